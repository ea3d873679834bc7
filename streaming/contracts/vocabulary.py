"""The x- keywords of a schema: what a field and an event are for. A value that is not understood is an error."""

from __future__ import annotations

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
        if kind == "field" and name in document.get("properties", {}):
            return Producer(header="", field=name)
    raise ContractError(f'{source}: x-producer {found!r} is not understood; expected {{"header": <name>}} or {{"field": <property>}}')


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
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or threshold <= 0:
        raise ContractError(f"{where}: x-drift threshold {threshold!r} is not understood; expected a number above 0")
    return {keyword: float(value) for keyword, value in found.items()}
