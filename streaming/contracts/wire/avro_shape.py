"""What a registered Avro schema may look like, so that no message of few bytes becomes much, or deep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming.errors import ContractError

_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1, "enum": 1}
_MOST_VALUES = 10_000
_VALUES_PER_BYTE = 64


@dataclass(frozen=True)
class Shape:
    """least_bytes: of an encoded value; values: most JSON values that it becomes, repeated items left out."""

    least_bytes: int
    values: int


def shape_of(schema: Any, named: Mapping[str, Any]) -> Shape:
    """The shape of a schema as fastavro parses it; named: its named types.

    Raises ContractError for a type that contains itself (a message could nest without end), for items of an array or map
    that take nearly no bytes (a count of 2^60 would be believed), and for more than 10,000 values in one record.
    """
    return _Shapes(named).of(schema, ())


class _Shapes:
    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named, self._known = named, dict[str, Shape]()

    def of(self, node: Any, within: tuple[str, ...]) -> Shape:
        if isinstance(node, list):
            branches = [self.of(branch, within) for branch in node]
            return Shape(1 + min(b.least_bytes for b in branches), max(b.values for b in branches)) if branches else Shape(1, 1)
        kind = node["type"] if isinstance(node, Mapping) else node
        if isinstance(kind, dict | list):
            return self.of(kind, within)
        if kind in _BYTES:
            return Shape(_BYTES[kind], 1)
        if kind in ("array", "map"):
            return self._repeated(node, kind, within)
        if kind == "fixed":
            return Shape(int(node["size"]), 1)
        return self._record(node, within)

    def _repeated(self, node: Mapping[str, Any], kind: str, within: tuple[str, ...]) -> Shape:
        item = self.of(node["items" if kind == "array" else "values"], within)
        least = item.least_bytes + (kind == "map")
        if item.values > _VALUES_PER_BYTE * least:
            raise ContractError(f"{kind} of items that take {least} bytes; expected at least a byte for every {_VALUES_PER_BYTE} values")
        return Shape(1, 1)

    def _record(self, node: Any, within: tuple[str, ...]) -> Shape:
        name = str(node["name"] if isinstance(node, Mapping) else node)
        if name in within:
            raise ContractError(f"the type {name} contains itself; expected a type of limited depth")
        if name not in self._known:
            record = self._named.get(name, node)
            if not isinstance(record, Mapping):
                raise ContractError(f"the type {name} is not defined")
            if record["type"] != "record":
                return self.of({key: value for key, value in record.items() if key != "name"}, within)
            fields = [self.of(field["type"], (*within, name)) for field in record["fields"]]
            self._known[name] = Shape(sum(f.least_bytes for f in fields), 1 + sum(f.values for f in fields))
        if self._known[name].values > _MOST_VALUES:
            raise ContractError(f"the type {name} holds more than {_MOST_VALUES} values")
        return self._known[name]
