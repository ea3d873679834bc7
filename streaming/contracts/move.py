"""How an event of one version becomes an event of another: by declared renames and defaults, and by leaving out the unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from msgspec import UNSET

from streaming.contracts.schema import Contract
from streaming.contracts.validator import compiled


@dataclass(frozen=True)
class Move:
    """From one version to another.

    names: field of the target → field of the source that it is; defaults: field of the target → its value where the source
    has none; closed: events are taken as they are, nothing is renamed, filled or left out.
    """

    source: Contract
    target: Contract
    names: Mapping[str, str]
    defaults: Mapping[str, Any]
    closed: bool = False

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event of the source as one of the target, both as JSON values; what it lacks still misses.

        A null where the target allows none counts as absent. A default stands where the source does not know the field,
        and where the target requires a value that this event lacks.
        """
        if self.closed:
            return dict(event)
        moved: dict[str, Any] = {}
        for field in self.target.fields:
            name = self.names.get(field.name)
            value = event.get(name, UNSET) if name is not None else UNSET
            if value is None and not field.nullable:
                value = UNSET
            if value is UNSET and (name is None or field.required):
                value = self.defaults.get(field.name, UNSET)
            if value is not UNSET:
                moved[field.name] = value
        return moved


def move_along(versions: Sequence[Contract]) -> Move:
    """The move from the first of some versions of one event to the last, step by step: v1, v2, v3 or v3, v2, v1; one is no move.

    A default of a version in between holds if the last declares none and allows it.
    """
    names: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    target = versions[-1]
    steps = [(_names(before, after), before) for before, after in pairwise(versions)]
    for field in target.fields:
        if field.words.default is not UNSET:
            defaults[field.name] = field.words.default
        name = field.name
        for known, before in reversed(steps):
            name = known.get(name, "")
            if not name:
                break
            default = next(other.words.default for other in before.fields if other.name == name)
            if before is not versions[0] and default is not UNSET and compiled(field.limits).is_valid(default):
                defaults.setdefault(field.name, default)
        if name:
            names[field.name] = name
    return Move(versions[0], target, names, defaults)


def as_is(source: Contract, target: Contract) -> Move:
    """Events of the source held to the target as they are."""
    known = {field.name for field in source.fields}
    return Move(source, target, {f.name: f.name for f in target.fields if f.name in known}, {}, closed=True)


def _names(before: Contract, after: Contract) -> dict[str, str]:
    """Field of `after` → the same field in `before`, whichever of the two is older."""
    if before.version <= after.version:
        return _renamed(before, after)
    return {older: newer for newer, older in _renamed(after, before).items()}


def _renamed(older: Contract, newer: Contract) -> dict[str, str]:
    known = {field.name for field in older.fields}
    declared = {field.name: field.words.renamed_from for field in newer.fields if field.words.renamed_from in known}
    taken = set(declared.values())
    return declared | {f.name: f.name for f in newer.fields if f.name in known and f.name not in declared and f.name not in taken}
