"""Data files as blocks of rows: CSV, JSON lines, Parquet, Arrow IPC. A file is read once, a block at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from streaming.contracts.statistics.column import Block, Column, column_of
from streaming.contracts.statistics.parse import Kinds, block_of_rows, column_of_texts
from streaming.errors import ScoringError

ROWS = 20_000
"""Rows of a block."""
MOST_FIELDS = 5000
"""Different fields that rows may have together: with more they are no rows of one event, and would fill the memory."""
_CELLS = 2_000_000  # of a block: rows that share few fields are cut into smaller blocks
_CSV_BYTES = 4_194_304
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class DataError(ScoringError):
    """A data file cannot be read as what its name says: mend the file, or name another."""

    exit_code = 2


def read_blocks(path: Path, kinds: Kinds | None = None) -> Iterator[Block]:
    """The rows of a file by the end of its name: .csv, .jsonl or .ndjson (also .gz), .parquet, .arrow or .feather.

    kinds: field → kind in the contract, so that a CSV column of digits that is a text stays one. Raises DataError.
    """
    readers = {".csv": _csv, ".jsonl": _lines, ".ndjson": _lines, ".parquet": _parquet, ".arrow": _ipc, ".feather": _ipc}
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in readers:
        raise DataError(f"{path}: its name ends in {suffix or 'nothing'!r}; expected one of {', '.join(readers)}")
    try:
        path.open("rb").close()
        yield from readers[suffix](path, kinds or {})
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); name a file of data") from None
    except (pa.ArrowException, UnicodeDecodeError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not {suffix[1:]}: {str(error).splitlines()[0]}; mend the file") from None


def blocks_of_messages(messages: Iterable[bytes], kinds: Kinds | None = None, rows: int = ROWS) -> Iterator[Block]:
    """Blocks from JSON texts, one object each; what is no JSON object counts as unreadable.

    Raises DataError if there are more than MOST_FIELDS different fields in `rows` messages.

    >>> [(block.rows, block.unreadable) for block in blocks_of_messages([b'{"a": 1}', b"[]", b"{"])]
    [(1, 2)]
    """
    source = iter(messages)
    while batch := list(islice(source, rows)):
        found = [row for row in map(_row, batch) if row is not None]
        yield from _blocks_of_rows(found, len(batch) - len(found), kinds)


def _blocks_of_rows(rows: Sequence[Mapping[str, Any]], unreadable: int, kinds: Kinds | None) -> Iterator[Block]:
    """The names are counted before there is a column for each: a stranger may send ever new ones."""
    names: set[str] = set()
    for row in rows:
        names.update(row)
        check_fields(len(names))
    size = max(1, _CELLS // max(1, len(names)))
    for start in range(0, max(1, len(rows)), size):
        yield block_of_rows(rows[start : start + size], 0 if start else unreadable, kinds)


def check_fields(count: int) -> None:
    """Raise DataError if rows have more different fields than rows of one event can have."""
    if count > MOST_FIELDS:
        raise DataError(f"the rows have more than {MOST_FIELDS:,} different fields; mend what writes them")


def _row(message: bytes) -> dict[str, Any] | None:
    try:
        row = msgspec.json.decode(message)
    except _UNREADABLE:
        return None
    return row if isinstance(row, dict) else None


def _lines(path: Path, kinds: Kinds) -> Iterator[Block]:
    with _opened(path) as file:
        yield from blocks_of_messages((line for line in file if line.strip()), kinds)


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]  # a GzipFile reads bytes too


def _csv(path: Path, kinds: Kinds) -> Iterator[Block]:
    read, parse = arrow_csv.ReadOptions(block_size=_CSV_BYTES), arrow_csv.ParseOptions(newlines_in_values=True)
    names = _header(path, read, parse)
    options = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=options) as reader:
        for batch in reader:
            columns = {name: column_of_texts(array, kinds.get(name, "")) for name, array in zip(names, batch.columns, strict=True)}
            yield Block(batch.num_rows, columns)


def _header(path: Path, read: arrow_csv.ReadOptions, parse: arrow_csv.ParseOptions) -> list[str]:
    """The names of the columns, as Arrow itself reads them: they may hold line breaks, and blank lines may stand before them."""
    try:
        with arrow_csv.open_csv(path, read_options=read, parse_options=parse) as reader:
            names: list[str] = reader.schema.names
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            raise DataError(f"{path}: is empty; name a file of data") from None
        raise
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise DataError(f"{path}: column {min(doubled)!r} is there twice; rename one")
    return names


def _parquet(path: Path, kinds: Kinds) -> Iterator[Block]:
    with pq.ParquetFile(path) as file:
        yield from (_typed(batch, kinds) for batch in file.iter_batches(ROWS))


def _ipc(path: Path, kinds: Kinds) -> Iterator[Block]:
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        for place in range(reader.num_record_batches):
            yield _typed(reader.get_batch(place), kinds)


def _typed(batch: pa.RecordBatch, kinds: Kinds) -> Block:
    return Block(batch.num_rows, {name: _column(batch.column(place), kinds.get(name, "")) for place, name in enumerate(batch.schema.names)})


def _column(array: pa.Array, kind: str) -> Column:
    """A column of a table. Where the contract wants a time, a text may be one, and a time without a zone or a date is none."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    zoned = pa.types.is_timestamp(array.type) and array.type.tz is not None
    timely = pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_temporal(array.type)
    if kind == "timestamp" and timely and not zoned and not pa.types.is_interval(array.type):
        return column_of_texts(pc.cast(array, pa.string()), kind)
    return column_of(array)
