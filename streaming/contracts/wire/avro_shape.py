"""What a registered Avro schema may look like, so that no message of few bytes becomes much, or deep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streaming.errors import ContractError

_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}
_MOST_VALUES = 10_000
_MOST_TEXT = 1_000_000
_VALUES_PER_BYTE = 4  # a record of one flag has two; only values that take no byte, as null, make it many
_TEXT_PER_BYTE = 256


@dataclass(frozen=True)
class Shape:
    """What a value may become, the items of its arrays and maps left out.

    least_bytes: of the encoded value; values: most JSON values; text: most characters of them that stand in the schema and not
    in the message, which are names of fields and symbols of enums.
    """

    least_bytes: int
    values: int = 1
    text: int = 0


def shape_of(schema: Any, named: Mapping[str, Any]) -> Shape:
    """The shape of a schema as fastavro parses it; named: its named types.

    Raises ContractError for a type that contains itself (a message could nest without end), for items of an array or map
    that take nearly no bytes (a count of 2^60 would be believed) or become long texts, and for more than 10,000 values or a
    million characters of names in one record. A part that is no schema raises ValueError, LookupError or TypeError.
    """
    return _Shapes(named).of(schema, ())


class _Shapes:
    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named, self._known = named, dict[str, Shape]()

    def of(self, node: Any, within: tuple[str, ...]) -> Shape:
        if isinstance(node, list):
            return _union([self.of(branch, within) for branch in node])
        if isinstance(node, str) and node not in _BYTES:
            node = self._named[node]
        kind = node["type"] if isinstance(node, Mapping) else node
        if isinstance(kind, dict | list):
            return self.of(kind, within)
        if kind in _BYTES:
            return Shape(_BYTES[kind])
        if kind in ("array", "map"):
            return self._repeated(node, kind, within)
        if kind == "enum":
            return Shape(1, text=max(map(len, node["symbols"]), default=0))
        return Shape(_size(node)) if kind == "fixed" else self._record(node, within)

    def _repeated(self, node: Mapping[str, Any], kind: str, within: tuple[str, ...]) -> Shape:
        item = self.of(node["items" if kind == "array" else "values"], within)
        least = item.least_bytes + (kind == "map")
        if item.values > _VALUES_PER_BYTE * least:
            raise ContractError(f"{kind} of items that take {least} bytes; expected at least a byte for every {_VALUES_PER_BYTE} values")
        if item.text > _TEXT_PER_BYTE * least:
            raise ContractError(f"{kind} of items with {item.text} characters of names; expected at most {_TEXT_PER_BYTE} for a byte")
        return Shape(1)

    def _record(self, node: Mapping[str, Any], within: tuple[str, ...]) -> Shape:
        name = str(node["name"])
        if name in within:
            raise ContractError(f"the type {name} contains itself; expected a type of limited depth")
        if name not in self._known:
            fields = [self.of(field["type"], (*within, name)) for field in node["fields"]]
            names = [field["name"] for field in node["fields"]]
            if not all(isinstance(text, str) for text in names):
                raise ValueError(f"a field of the type {name} has a name that is no text")
            text = sum(map(len, names)) + sum(f.text for f in fields)
            self._known[name] = Shape(sum(f.least_bytes for f in fields), 1 + sum(f.values for f in fields), text)
        if self._known[name].values > _MOST_VALUES:
            raise ContractError(f"the type {name} holds more than {_MOST_VALUES} values")
        if self._known[name].text > _MOST_TEXT:
            raise ContractError(f"the type {name} holds more than {_MOST_TEXT} characters of names")
        return self._known[name]


def _union(branches: list[Shape]) -> Shape:
    if not branches:
        return Shape(1)
    return Shape(1 + min(b.least_bytes for b in branches), max(b.values for b in branches), max(b.text for b in branches))


def _size(node: Mapping[str, Any]) -> int:
    size = node["size"]
    if type(size) is not int or not 0 <= size < 2**31:
        raise ValueError(f"size of the type {node.get('name')}: {str(size)[:20]}; expected a number of bytes")
    return size
