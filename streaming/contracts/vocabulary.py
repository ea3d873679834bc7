"""The x- keywords of a schema: what a field and an event are for. A value that is not understood is an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec
from msgspec import UNSET

from streaming.errors import ContractError

Environment = Literal["training", "serving"]
Role = Literal["feature", "metadata", "target"]
Sensitivity = Literal["none", "personal"]
ENVIRONMENTS: tuple[Environment, ...] = ("training", "serving")
EVENT_WORDS = frozenset({"x-entity", "x-event-id", "x-event-time", "x-target", "x-owner", "x-producer"})
FIELD_WORDS = frozenset(
    {"x-role", "x-environments", "x-unit", "x-drift", "x-owner", "x-sensitivity", "x-default", "x-renamed-from", "x-positive"}
)


RECORD = "x-record"
"""Marks the schema of a record of the service's own, which may be of any shape."""
_TARGET = "x-target"


class Words(msgspec.Struct, frozen=True):
    """What the x- keywords of a field say.

    environments: where the field stands in events; drift: settings of its drift reference, False leaves it out;
    default: its value where an older version lacks it, or UNSET; renamed_from: its name in older versions, or "";
    positive: the positive class of a target, or None.
    """

    role: Role = "feature"
    environments: tuple[Environment, ...] = ENVIRONMENTS
    unit: str = ""
    drift: dict[str, float] | Literal[False] = {}
    owner: str = ""
    sensitivity: Sensitivity = "none"
    default: Any = UNSET
    renamed_from: str = ""
    positive: Any = None


class Producer(msgspec.Struct, frozen=True):
    """Where an event names its producer: the header, or the field (exactly one is not "")."""

    header: str = "producer"
    field: str = ""


def field_words(spec: Mapping[str, Any], where: str) -> Words:
    """Read the x- keywords of a property; x-default is held to the property's schema elsewhere. Raises ContractError."""
    role = _one_of(spec.get("x-role", "feature"), ("feature", "metadata", "target"), "x-role", where)
    environments = spec.get("x-environments", list(ENVIRONMENTS))
    if not isinstance(environments, list) or not environments or not set(map(str, environments)) <= set(ENVIRONMENTS):
        raise ContractError(f"{where}: x-environments {environments!r} is not known; expected a list of training and serving")
    if role == "target" and environments != ["training"]:
        raise ContractError(f'{where}: a target is known in training only; add "x-environments": ["training"]')
    if "x-positive" in spec and role != "target":
        raise ContractError(f"{where}: x-positive names the positive class of a target; remove it, or make the x-role target")
    if spec.get("x-positive", True) is None:
        raise ContractError(f"{where}: x-positive null is not understood; expected a value of the target, or no x-positive")
    return Words(
        cast("Role", role),
        tuple(dict.fromkeys(environments)),
        _text(spec, "x-unit", where),
        _drift(spec.get("x-drift", {}), where),
        _text(spec, "x-owner", where),
        cast("Sensitivity", _one_of(spec.get("x-sensitivity", "none"), ("none", "personal"), "x-sensitivity", where)),
        spec.get("x-default", UNSET),
        _text(spec, "x-renamed-from", where),
        spec.get("x-positive"),
    )


def owner_of(document: Mapping[str, Any], source: str) -> str:
    """Who answers for the event, "" where nobody is named. Raises ContractError."""
    return _text(document, "x-owner", source)


def producer_of(document: Mapping[str, Any], source: str) -> Producer:
    """Where events name their producer: by default the header `producer`. Raises ContractError."""
    found = document.get("x-producer", {"header": "producer"})
    if isinstance(found, dict) and len(found) == 1:
        kind, name = next(iter(found.items()))
        if kind == "header" and isinstance(name, str) and name:
            return Producer(header=name)
        if kind == "field" and isinstance(name, str) and name in document.get("properties", {}):
            return Producer(header="", field=name)
    raise ContractError(f'{source}: x-producer {found!r} is not understood; expected {{"header": <name>}} or {{"field": <property>}}')


def target_of(document: Mapping[str, Any], source: str) -> Mapping[str, Any] | None:
    """What x-target says: `field`, `enum`, perhaps `positive` and `description`; None without it. Raises ContractError."""
    if _TARGET not in document:
        return None
    found = document[_TARGET]
    known = {"field", "enum", "positive", "description"}
    if not isinstance(found, dict) or not {"field", "enum"} <= set(found) <= known or not isinstance(found["field"], str):
        raise ContractError(f'{source}: x-target {found!r} is not understood; expected {{"field": "left", "enum": [0, 1], "positive": 1}}')
    name, classes = found["field"], found["enum"]
    if not name or name in document.get("properties", {}):
        raise ContractError(
            f"{source}: x-target names {name!r}; expected a name that is no property, or give the property the x-role target"
        )
    if not isinstance(classes, list) or not classes or not all(isinstance(item, str | int | float) for item in classes):
        raise ContractError(f"{source}: x-target: enum {classes!r} is not understood; expected a list of texts, numbers or booleans")
    if "positive" in found and not any(type(item) is type(found["positive"]) and item == found["positive"] for item in classes):
        raise ContractError(f"{source}: x-target: positive {found['positive']!r} is not in its enum; expected one of {classes!r}")
    return found


def _text(spec: Mapping[str, Any], keyword: str, where: str) -> str:
    found = spec.get(keyword)
    if found is None and keyword not in spec:
        return ""
    if not isinstance(found, str) or not found:
        raise ContractError(f"{where}: {keyword} {found!r} is not understood; expected a text that is not empty")
    return found


def _one_of(found: Any, known: tuple[str, ...], keyword: str, where: str) -> str:
    if found not in known:
        raise ContractError(f"{where}: {keyword} {found!r} is not known; expected {', '.join(known[:-1])} or {known[-1]}")
    return str(found)


def _drift(found: Any, where: str) -> dict[str, float] | Literal[False]:
    if found is False:
        return False
    if not isinstance(found, dict) or not set(found) <= {"threshold"}:
        raise ContractError(f'{where}: x-drift {found!r} is not understood; expected {{"threshold": 0.2}}, or false to leave the field out')
    threshold = found.get("threshold", 1)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < math.inf:
        raise ContractError(f"{where}: x-drift threshold {threshold!r} is not understood; expected a number above 0")
    return {keyword: float(value) for keyword, value in found.items()}
