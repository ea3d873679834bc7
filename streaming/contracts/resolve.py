"""Before a schema is compiled: local references are written out, and fields of other environments are taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from streaming.contracts.keywords import ANNOTATIONS, LISTS, MAPS, PLAIN, SINGLE
from streaming.errors import ContractError

Change = Callable[[Any], Any]


def resolve(document: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The same schema without $ref and $defs. Raises ContractError for a reference that is not local, not there, or a circle.

    >>> resolve({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, "x")
    {'properties': {'a': {'type': 'integer'}}}
    """
    resolved: dict[str, Any] = _without_defs(_written_out(document, document, (), source))
    return resolved


def definitions(document: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The schemas in $defs, and in $defs of these, by place, without references. Raises ContractError as resolve does."""
    found = dict(_definitions(document, "#"))
    return {place[1:]: _written_out(_without_defs(schema), document, (place,), source) for place, schema in found.items()}


def _definitions(schema: Any, place: str) -> Iterator[tuple[str, Any]]:
    for name, child in schema.get("$defs", {}).items() if isinstance(schema, Mapping) else ():
        yield f"{place}/$defs/{name}", child
        yield from _definitions(child, f"{place}/$defs/{name}")


def only(document: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """A resolved schema without the properties whose x-environments leave the environment out."""
    properties = {
        name: spec
        for name, spec in document.get("properties", {}).items()
        if not isinstance(spec, Mapping) or environment in spec.get("x-environments", [environment])
    }
    required = [name for name in document.get("required", []) if name in properties or name not in document["properties"]]
    return {**document, "properties": properties, **({"required": required} if "required" in document else {})}


def _written_out(schema: Any, document: Mapping[str, Any], within: tuple[str, ...], source: str) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    rest = _changed(schema, lambda child: _written_out(child, document, within, source))
    reference = rest.pop("$ref", None)
    if reference is None:
        return rest
    if reference in within:
        raise ContractError(f"{source}: $ref {reference!r} leads back to itself; write it out to the depth you need")
    target = _written_out(_without_defs(_target(document, reference, source)), document, (*within, reference), source)
    return _joined(target, rest)


def _without_defs(schema: Any) -> Any:
    return {keyword: value for keyword, value in schema.items() if keyword != "$defs"} if isinstance(schema, Mapping) else schema


def _joined(target: Any, rest: dict[str, Any]) -> Any:
    """A reference's target with what stands beside the reference: words of ours and annotations win, all else holds as well."""
    if not isinstance(target, Mapping):
        return {**rest, "allOf": [*rest.get("allOf", []), target]} if rest else target
    ours = {keyword for keyword in rest if not _is_word(keyword)}
    if not ours or (ours <= PLAIN and not ours & set(target)):
        return {**target, **rest}
    if "type" in target and "type" not in rest:
        rest = {"type": target["type"], **rest}
    words = {keyword: value for keyword, value in target.items() if _is_word(keyword)}
    limits = {keyword: value for keyword, value in target.items() if not _is_word(keyword)}
    return {**words, **rest, "allOf": [*rest.get("allOf", []), limits]}


def _is_word(keyword: str) -> bool:
    """Whether a keyword restricts nothing: an annotation, or a word of ours or somebody else's."""
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def _changed(schema: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The schema with each schema directly in it changed; $defs are left as they are."""
    changed = dict(schema)
    for keyword, value in schema.items():
        if keyword in MAPS and isinstance(value, Mapping):
            changed[keyword] = {name: change(child) for name, child in value.items()}
        elif keyword in LISTS and isinstance(value, list):
            changed[keyword] = [change(child) for child in value]
        elif keyword in SINGLE:
            changed[keyword] = change(value)
    return changed


def _target(document: Mapping[str, Any], reference: Any, source: str) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise ContractError(f"{source}: $ref {reference!r} is not supported; expected #/$defs/<name> of the same file")
    node: Any = document
    for part in unquote(reference[2:]).split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = node.get(name) if isinstance(node, Mapping) else _item(node, name)
        if found is None:
            raise ContractError(f"{source}: $ref {reference!r} leads nowhere; there is no {name!r} there")
        node = found
    if not isinstance(node, Mapping | bool):
        raise ContractError(f"{source}: $ref {reference!r} leads to {node!r}, which is no schema; expected #/$defs/<name>")
    return node


def _item(node: Any, name: str) -> Any:
    return node[int(name)] if isinstance(node, list) and name.isdigit() and int(name) < len(node) else None
