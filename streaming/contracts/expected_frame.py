"""Files and messages as prepared frames for expectations. They are held in memory whole, as Great Expectations needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from streaming.contracts import Contract
from streaming.contracts.expectations import prepare_rows
from streaming.contracts.statistics.column import KINDS, Block, Column
from streaming.contracts.statistics.parse import ABSENT
from streaming.contracts.statistics.source import blocks_of_messages, read_blocks


def read_frame(path: Path, contract: Contract, *, metadata: bool = True) -> pd.DataFrame:
    """A prepared frame of a data file. Tables have no absent fields: an empty cell of an optional field counts as absent.

    Raises DataError.
    """
    tabular = path.with_suffix("").suffix not in (".jsonl", ".ndjson") and path.suffix not in (".jsonl", ".ndjson")
    blocks = read_blocks(path, _kinds(contract))
    return prepare_rows(list(_rows(blocks, contract, tabular=tabular)), contract, metadata=metadata)


def rows_frame(messages: Iterable[bytes], contract: Contract, *, metadata: bool = True) -> pd.DataFrame:
    """A prepared frame of JSON texts, one object each; what is none is left out (`scoring data describe` counts it)."""
    return prepare_rows(list(_rows(blocks_of_messages(messages, _kinds(contract)), contract, tabular=False)), contract, metadata=metadata)


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
    bare: dict[str, Any] = {"absent": ABSENT, "null": None, "array": [], "object": {}, "binary": "", "timestamp": ""}
    values = []
    for place, code in enumerate(column.kinds.tolist()):
        kind = KINDS[code]
        if kind in ("integer", "number"):
            values.append(numbers[place] if integers[place] is None else integers[place])
        elif kind in ("string", "boolean"):
            values.append(texts[place] if kind == "string" else texts[place] == "true")
        else:
            values.append(bare[kind])
    return values
