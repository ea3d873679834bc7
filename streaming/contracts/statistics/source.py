"""Data files as blocks of rows: CSV, JSON lines, Parquet, Arrow IPC. A file is read once, a block at a time."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from streaming.contracts.statistics.column import Block, block_of
from streaming.contracts.statistics.parse import Kinds, block_of_rows, column_of_texts
from streaming.errors import ScoringError

ROWS = 20_000
"""Rows of a block."""
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
        yield from readers[suffix](path, kinds or {})
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); name a file of data") from None
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not {suffix[1:]}: {str(error).splitlines()[0]}; mend the file") from None


def blocks_of_messages(messages: Iterable[bytes], kinds: Kinds | None = None, rows: int = ROWS) -> Iterator[Block]:
    """Blocks from JSON texts, one object each; what is no JSON object counts as unreadable.

    >>> [(block.rows, block.unreadable) for block in blocks_of_messages([b'{"a": 1}', b"[]", b"{"])]
    [(1, 2)]
    """
    source = iter(messages)
    while batch := list(islice(source, rows)):
        found = [row for row in map(_row, batch) if row is not None]
        yield block_of_rows(found, len(batch) - len(found), kinds)


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
    names = _header(path)
    options = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    read, parse = arrow_csv.ReadOptions(block_size=_CSV_BYTES), arrow_csv.ParseOptions(newlines_in_values=True)
    with arrow_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=options) as reader:
        for batch in reader:
            columns = {name: column_of_texts(array, kinds.get(name, "")) for name, array in zip(names, batch.columns, strict=True)}
            yield Block(batch.num_rows, columns)


def _header(path: Path) -> list[str]:
    with _opened(path) as file:
        names = next(csv.reader([file.readline().decode("utf-8-sig")]), [])
    doubled = {name for name in names if names.count(name) > 1}
    if not names or doubled:
        raise DataError(
            f"{path}: column {min(doubled)!r} is there twice; rename one" if doubled else f"{path}: is empty; name a file of data"
        )
    return names


def _parquet(path: Path, _: Kinds) -> Iterator[Block]:
    with pq.ParquetFile(path) as file:
        yield from map(block_of, file.iter_batches(ROWS))


def _ipc(path: Path, _: Kinds) -> Iterator[Block]:
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        for place in range(reader.num_record_batches):
            yield block_of(reader.get_batch(place))
