"""Labels from a file: CSV, Parquet, or JSON lines; its columns are the fields of a label, or are named as such."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from streaming.errors import ConfigError, first_line
from streaming.truth.label import InvalidLabel, Label, check, moment

FIELDS = frozenset(Label.__struct_fields__) - {"version"}
_TIMES = ("observed_at", "outcome_at")
_TEXTS = ("prediction_id", "entity_id", "id", "source", "deployment")
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_BATCH_ROWS = 10_000


class Read(NamedTuple):
    """One row of a file: a label, or what is wrong with it. row: counted from 1, the header apart."""

    row: int
    label: Label | None
    fault: str


def read_labels(
    path: Path, deployment: str, *, columns: Mapping[str, str] | None = None, defaults: Mapping[str, Any] | None = None
) -> Iterator[Read]:
    """The labels of a file, row by row, in bounded memory.

    columns: field of a label → column of the file, where the two have other names. defaults: fields that the file does not have.
    Columns that are no field are left out. Raises ConfigError if the file cannot be read, or lacks `label`.
    """
    named, given = dict(columns or {}), {"deployment": deployment, **(defaults or {})}
    if unknown := sorted({*named, *given} - FIELDS):
        raise ConfigError(f"{unknown[0]} is not a field of a label; the fields are {', '.join(sorted(FIELDS))}")
    for number, row in enumerate(_rows(path), 1):
        if number == 1 and (missing := [named.get("label", "label")]) and missing[0] not in row:
            raise ConfigError(f"{path}: there is no column {missing[0]}; found {', '.join(row)}; name it with --column label=COLUMN")
        yield _read(number, row, named, given)


def _read(number: int, row: Mapping[str, Any], named: Mapping[str, str], given: Mapping[str, Any]) -> Read:
    found = {field: row.get(named.get(field, field)) for field in FIELDS}
    fields = dict(given) | {field: value for field, value in found.items() if not _empty(value)}
    try:
        label = msgspec.convert({name: _plain(name, value) for name, value in fields.items()}, Label)
        check(label, str(given["deployment"]))
    except (msgspec.ValidationError, InvalidLabel, ValueError) as error:
        return Read(number, None, first_line(error))
    return Read(number, label, "")


def _plain(name: str, value: Any) -> Any:
    """A value of a column as the field's own type: a CSV knows texts only, and Parquet has times of its own."""
    if name in _TIMES:
        return moment(value.isoformat() if isinstance(value, datetime | date) else str(value))
    if name in _TEXTS:
        return str(value)
    if name in ("acted", "partial") and not isinstance(value, bool):
        if (text := str(value).strip().lower()) not in _FLAGS:
            raise InvalidLabel(f"{name} is {str(value)[:60]!r}; expected true or false")
        return _FLAGS[text]
    return _label(value) if name == "label" else float(value)


def _label(value: Any) -> Any:
    """A text that reads as a number or as true or false is that; any other is the name of a class."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    try:
        return float(value)
    except ValueError:
        return value


def _empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    readers = {".csv": _csv, ".parquet": _parquet, ".jsonl": _json_lines, ".ndjson": _json_lines}
    if path.suffix not in readers:
        raise ConfigError(f"{path}: labels are read from .csv, .parquet, .jsonl and .ndjson; found {path.suffix or 'no ending'}")
    try:
        yield from readers[path.suffix](path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or first_line(error)}); name a file of labels") from None
    except (pa.ArrowInvalid, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: not a whole {path.suffix} file: {first_line(error)}") from None


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline().rstrip("\r\n")
    names = pa.csv.read_csv(pa.BufferReader(f"{header}\n".encode())).column_names
    options = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""])
    for batch in pa.csv.open_csv(path, convert_options=options):
        yield from batch.to_pylist()


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS):
        yield from batch.to_pylist()


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield decoder.decode(line)
