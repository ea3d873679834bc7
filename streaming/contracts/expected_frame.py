"""Data files as prepared frames for expectations. They are held in memory whole, as Great Expectations needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from streaming.contracts import Contract
from streaming.contracts.expectations import prepare_rows
from streaming.contracts.statistics.column import KINDS, Block, Column
from streaming.contracts.statistics.parse import ABSENT
from streaming.contracts.statistics.source import read_blocks
from streaming.records import rfc3339

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_frame(path: Path, contract: Contract, *, metadata: bool = True) -> tuple[pd.DataFrame, int]:
    """A prepared frame of a data file, and how many of its lines hold no row.

    Tables have no absent fields: an empty cell of an optional field counts as absent. Their times become RFC 3339 texts, UTC.
    Raises DataError.
    """
    tabular = path.with_suffix("").suffix not in (".jsonl", ".ndjson") and path.suffix not in (".jsonl", ".ndjson")
    blocks = list(read_blocks(path, _kinds(contract)))
    rows = list(_rows(blocks, contract, tabular=tabular))
    return prepare_rows(rows, contract, metadata=metadata), sum(block.unreadable for block in blocks)


def _kinds(contract: Contract) -> dict[str, str]:
    """Times stay texts here: their form is what the contract is about."""
    return {field.name: "string" if field.kind == "timestamp" else field.kind for field in contract.fields}


def _rows(blocks: Iterable[Block], contract: Contract, *, tabular: bool) -> Iterator[dict[str, Any]]:
    target = contract.target["field"] if contract.target is not None and contract.environment == "training" else None
    unheld = {target} - {field.name for field in contract.fields}
    optional = {field.name for field in contract.fields if not field.required} if tabular else set()
    for block in blocks:
        columns = {name: _values(column) for name, column in block.columns.items() if name not in unheld}
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(columns, values, strict=True))
            yield {name: value for name, value in row.items() if value is not ABSENT and (value is not None or name not in optional)}


def _values(column: Column) -> list[Any]:
    """JSON values of a column; of lists and objects only that they are there."""
    numbers, texts = column.numbers.to_pylist(), column.texts.to_pylist()
    integers = column.integers.to_pylist()
    bare: dict[str, Any] = {"absent": ABSENT, "null": None, "array": [], "object": {}, "binary": b""}
    values = []
    for place, code in enumerate(column.kinds.tolist()):
        kind = KINDS[code]
        if kind in ("integer", "number"):
            values.append(numbers[place] if integers[place] is None else integers[place])
        elif kind in ("string", "boolean"):
            values.append(texts[place] if kind == "string" else texts[place] == "true")
        elif kind == "timestamp":
            values.append(_time(numbers[place]))
        else:
            values.append(bare[kind])
    return values


def _time(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339; a year that has no such text is empty."""
    try:
        return rfc3339(_EPOCH + timedelta(seconds=seconds))
    except OverflowError:
        return ""
