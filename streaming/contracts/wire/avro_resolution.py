"""Whether records written with one Avro schema can be read with another: Avro's schema resolution, told place by place.

Source: the Avro specification, "Schema Resolution". Stricter in one thing: where both types have a logical type, it must be the same,
for a time in milliseconds read as one in microseconds is a wrong time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from streaming.contracts.reasons import pointer, printable
from streaming.contracts.wire.avro_record import load_avro
from streaming.contracts.wire.resolver import WriterSchema

_PROMOTED = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
_LOGICAL = ("logicalType", "precision", "scale")
_MOST_TOLD = 20
_Refusal = tuple[str, str]


def unreadable(writer: WriterSchema, reader: WriterSchema) -> list[str]:
    """Why records of `writer` cannot be read with `reader`, at most 20 reasons; empty if all can.

    Backward compatible is a newer reader with an older writer, forward the other way round. Raises ContractError for a text that
    is no Avro schema of a record, or one whose records would have no bound.

    >>> def of(kind): return WriterSchema("AVRO", '{"type": "record", "name": "r", "fields": [{"name": "a", "type": "%s"}]}' % kind)
    >>> unreadable(of("int"), of("long")), unreadable(of("long"), of("int"))
    ([], ['/a: long cannot be read as int'])
    """
    (written, names), (wanted, others) = load_avro(writer), load_avro(reader)
    return [f"{path or '/'}: {why}" for path, why in _Resolution(names, others).refusals(written, wanted)]


class _Resolution:
    """One comparison. A refusal is the place below the two types, and why. Types that contain themselves were refused before."""

    def __init__(self, written: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        self._written, self._wanted = written, wanted
        self._known: dict[tuple[str, str], list[_Refusal]] = {}

    def refusals(self, writer: Any, reader: Any) -> list[_Refusal]:
        writer, reader = _resolved(writer, self._written), _resolved(reader, self._wanted)
        if isinstance(writer, list):
            return [told for branch in writer for told in self.refusals(branch, reader)][:_MOST_TOLD]
        if isinstance(reader, list):
            if any(not self.refusals(writer, branch) for branch in reader):
                return []
            return [("", f"{_told(writer)} is none of {', '.join(map(_told, reader)) or 'no types'}")]
        if not _same_kind(writer, reader):
            return [("", f"{_told(writer)} cannot be read as {_told(reader)}")]
        if "fields" not in writer:
            return self._inside(writer, reader)
        # Each pair of records once: by their names, few types could be met along very many ways.
        names = writer["name"], reader["name"]
        if names not in self._known:
            self._known[names] = list(islice(self._fields(writer, reader), _MOST_TOLD))
        return self._known[names]

    def _inside(self, writer: Mapping[str, Any], reader: Mapping[str, Any]) -> list[_Refusal]:
        inner = {"array": "items", "map": "values"}.get(writer["type"])
        if inner is not None:
            return [(f"/{inner}{path}", why) for path, why in self.refusals(writer[inner], reader[inner])]
        if writer["type"] != "enum" or "default" in reader:
            return []
        gone = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
        return [("", f"the symbol {printable(symbol[:60])} is none any more") for symbol in gone[:_MOST_TOLD]]

    def _fields(self, writer: Mapping[str, Any], reader: Mapping[str, Any]) -> Iterator[_Refusal]:
        before = {field["name"]: field["type"] for field in writer["fields"]}
        for field in reader["fields"]:
            place = pointer(field["name"])
            name = next((name for name in (field["name"], *_aliases(field)) if name in before), None)
            if name is not None:
                yield from ((place + path, why) for path, why in self.refusals(before[name], field["type"]))
            elif "default" not in field:
                yield place, "is not written and has no default"


def _resolved(node: Any, named: Mapping[str, Any]) -> Any:
    """A type as a list of branches or a mapping with its own kind as `type`."""
    while not isinstance(node, list) and not (isinstance(node, Mapping) and isinstance(node["type"], str)):
        node = node["type"] if isinstance(node, Mapping) else named.get(node, {"type": node})
    return node


def _same_kind(writer: Mapping[str, Any], reader: Mapping[str, Any]) -> bool:
    if "logicalType" in writer and "logicalType" in reader and any(writer.get(word) != reader.get(word) for word in _LOGICAL):
        return False
    if writer["type"] != reader["type"]:
        return reader["type"] in _PROMOTED.get(writer["type"], ())
    if "name" not in writer:
        return True
    known = {name.rpartition(".")[2] for name in (reader["name"], *_aliases(reader))}
    return writer["name"].rpartition(".")[2] in known and writer.get("size") == reader.get("size")


def _aliases(node: Mapping[str, Any]) -> list[str]:
    found = node.get("aliases")
    return [alias for alias in found if isinstance(alias, str)] if isinstance(found, list) else []


def _told(node: Any) -> str:
    kind = _resolved(node, {})
    if isinstance(kind, list):
        return "a union"
    words = [kind["type"], *(str(kind[word]) for word in ("name", "logicalType") if word in kind)]
    return printable(" ".join(words)[:80])
