"""The `jsonschema` package on strictly parsed JSON: what a contract's verdicts and reasons are compared with."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from streaming.contracts.keywords import LISTS, MAPS, SINGLE
from streaming.contracts.reasons import Reason, pointer

Found = set[tuple[str, str]]
"""Pairs of JSON Pointer and rule."""
_FALSE = {"not": {}, "$comment": "false"}
_CLASSES = {
    "\\d": "0-9",
    "\\w": "A-Za-z0-9_",
    "\\s": "\\t\\n\\v\\f\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
}


class Refused(Exception):
    """The text is not strict JSON."""


def strict(value: bytes) -> Any:
    """An independent strict parser, slow and plain. Raises Refused."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in found}) < len(found):
            raise Refused
        return dict(found)

    def number(text: str) -> float:
        if not math.isfinite(float(text)):
            raise Refused
        return float(text)

    def integer(text: str) -> int:
        number(text)
        if not -(2**63) <= int(text) < 2**64:
            raise Refused
        return int(text)

    def constant(_: str) -> float:
        raise Refused

    try:
        decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_float=number, parse_int=integer, parse_constant=constant)
        document = decoder.decode(value.decode("utf-8"))
        text = json.dumps(document, ensure_ascii=False)
        text.encode("utf-8")
    except (ValueError, RecursionError, Refused):
        raise Refused from None
    if "\\u0000" in text.replace("\\\\", ""):
        raise Refused
    return document


def found(reasons: Iterable[Reason]) -> Found:
    """Reasons of ours in the form that the reference's are compared in."""
    return {(reason.path, reason.rule) for reason in reasons}


class Reference:
    """The reference implementation, formats checked, for one schema as it was written, but for patterns: see `for_python`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._validator = jsonschema.Draft202012Validator(
            _translated(_marked(document)), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )

    def allows(self, event: Any) -> bool:
        """Whether the event is valid."""
        return bool(self._validator.is_valid(event))

    def reasons(self, event: Any) -> Found:
        """Path and rule of all that is wrong; what is of the wrong type is told for that alone."""
        every = [reason for error in self._validator.iter_errors(event) for reason in _reasons(error)]
        mistyped = {path for path, rule in every if rule == "type"}
        return {(path, rule) for path, rule in every if rule in ("type", "falseSchema") or path not in mistyped}


def for_python(pattern: str) -> str:
    """A regular expression of ECMA-262 as Python's `re` has it: there `$` stands before a last line feed too, classes hold every script.

    >>> for_python("^\\\\d+$")
    '^[0-9]+\\\\Z'
    """
    inside, found = False, []
    for piece in re.findall(r"\\.|.", pattern, re.DOTALL):
        inside = (inside or piece == "[") and piece != "]"
        characters = _CLASSES.get(piece.lower()) if piece.startswith("\\") else None
        if characters is None:
            found.append("\\Z" if piece == "$" and not inside else piece)
        elif piece[1].islower():
            found.append(characters if inside else f"[{characters}]")
        else:
            found.append(piece if inside else f"[^{characters}]")
    return "".join(found)


def _translated(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_translated(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    changed = {
        keyword: for_python(value) if keyword == "pattern" and isinstance(value, str) else _translated(value)
        for keyword, value in schema.items()
    }
    patterns = changed.get("patternProperties")
    return changed | (
        {"patternProperties": {for_python(name): child for name, child in patterns.items()}} if isinstance(patterns, Mapping) else {}
    )


def _reasons(error: ValidationError) -> list[tuple[str, str]]:
    """In our words: a rule about names or items is told for each of them."""
    path, rule, value, item = list(error.absolute_path), str(error.validator), error.validator_value, error.instance
    if error.schema == _FALSE:
        rule = "falseSchema"
    if "propertyNames" in error.absolute_schema_path and rule != "falseSchema":
        return [(pointer(*path), "propertyNames")]
    if rule in ("required", "dependentRequired"):
        wanted = value if rule == "required" else [name for key, names in value.items() if key in item for name in names]
        return [(pointer(*path, name), rule) for name in wanted if name not in item]
    if rule == "additionalProperties":
        return [(pointer(*path, name), rule) for name in item if not _is_known(name, error.schema)]
    if rule == "items":  # told for the whole array where no more items may follow
        return [(pointer(*path, place), "falseSchema") for place in range(len(error.schema.get("prefixItems", [])), len(item))]
    return [(pointer(*path), "contains" if rule in ("minContains", "maxContains") else rule)]


def _marked(schema: Any) -> Any:
    """The schema with an object in the place of false: of what false refuses, the reference tells what is around it."""
    if isinstance(schema, bool):
        return schema or _FALSE
    maps = {key: {name: _marked(one) for name, one in schema[key].items()} for key in (*MAPS, "$defs") if key in schema}
    lists = {key: [_marked(one) for one in schema[key]] for key in LISTS if key in schema}
    # These two it tells rightly when they are false.
    told = [key for key in ("additionalProperties", "items") if schema.get(key) is False]
    return {**schema, **maps, **lists, **{key: _marked(schema[key]) for key in SINGLE if key in schema and key not in told}}


def _is_known(name: str, schema: Any) -> bool:
    return name in schema.get("properties", {}) or any(re.search(pattern, name) for pattern in schema.get("patternProperties", {}))
