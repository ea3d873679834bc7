"""Points of the metric store as a file: CSV, Parquet or JSON lines, written as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from streaming.errors import ConfigError
from streaming.records import INSTANT, rfc3339
from streaming.sinks.metric_store.query import Point

_ROWS = 10_000
_WORDS = ("deployment", "name", "model", "version", "label")
POINT = pa.schema(
    [
        *((name, pa.string()) for name in _WORDS),
        ("at", INSTANT),
        ("n", pa.int64()),
        *((name, pa.float64()) for name in Point._fields if name not in (*_WORDS, "at", "n")),
    ]
)


def write_points(points: Iterable[Point], out: Path, form: Literal["csv", "parquet", "jsonl"]) -> int:
    """Write points to a file, which is there whole or not at all. Returns how many. Raises ConfigError if it cannot be written."""
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = _write_lines(points, part) if form == "jsonl" else _write_table(points, part, form)
        part.replace(out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written ({error.strerror or error}); name another file") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return written


def _write_table(points: Iterable[Point], out: Path, form: Literal["csv", "parquet"]) -> int:
    written = 0
    opened: Any = pq.ParquetWriter(out, POINT) if form == "parquet" else pa.csv.CSVWriter(out, POINT)
    with opened as writer:
        for rows in _chunks(points):
            writer.write_table(pa.Table.from_pylist([row._asdict() for row in rows], schema=POINT))
            written += len(rows)
    return written


def _write_lines(points: Iterable[Point], out: Path) -> int:
    written = 0
    with out.open("w", encoding="utf-8") as file:
        for point in points:
            file.write(json.dumps(point._asdict() | {"at": rfc3339(point.at)}) + "\n")
            written += 1
    return written


def _chunks(points: Iterable[Point]) -> Iterator[list[Point]]:
    source = iter(points)
    while rows := list(islice(source, _ROWS)):
        yield rows
