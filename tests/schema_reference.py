"""The `jsonschema` package on strictly parsed JSON: what a contract's verdicts and reasons are compared with."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from streaming.contracts.reasons import Reason, pointer

Found = set[tuple[str, str]]
"""Pairs of JSON Pointer and rule."""


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
    return {("", reason.rule) if reason.rule == "falseSchema" else (reason.path, reason.rule) for reason in reasons}


class Reference:
    """The reference implementation, formats checked, for one schema as it was written."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._validator = jsonschema.Draft202012Validator(document, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)

    def allows(self, event: Any) -> bool:
        """Whether the event is valid."""
        return bool(self._validator.is_valid(event))

    def reasons(self, event: Any) -> Found:
        """Path and rule of all that is wrong; what is of the wrong type is told for that alone."""
        every = [reason for error in self._validator.iter_errors(event) for reason in _reasons(error)]
        mistyped = {path for path, rule in every if rule == "type"}
        return {(path, rule) for path, rule in every if rule in ("type", "falseSchema") or path not in mistyped}


def _reasons(error: ValidationError) -> list[tuple[str, str]]:
    """In our words: a rule about names or items is told for each of them."""
    path, rule, value, item = list(error.absolute_path), str(error.validator or "falseSchema"), error.validator_value, error.instance
    if "propertyNames" in error.absolute_schema_path and rule != "falseSchema":
        return [(pointer(*path), "propertyNames")]
    if rule in ("required", "dependentRequired"):
        wanted = value if rule == "required" else [name for key, names in value.items() if key in item for name in names]
        return [(pointer(*path, name), rule) for name in wanted if name not in item]
    if rule == "additionalProperties":
        return [(pointer(*path, name), rule) for name in item if not _is_known(name, error.schema)]
    if rule in ("items", "falseSchema"):
        return [("", "falseSchema")]  # the reference tells it for what is around, and says `items` where no more items may follow
    return [(pointer(*path), "contains" if rule in ("minContains", "maxContains") else rule)]


def _is_known(name: str, schema: Any) -> bool:
    return name in schema.get("properties", {}) or any(re.search(pattern, name) for pattern in schema.get("patternProperties", {}))
