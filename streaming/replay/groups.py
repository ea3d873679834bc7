"""Like with like: rejections of one reason, place, schema version and producer as one line for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

import msgspec

from streaming.records import rfc3339
from streaming.replay.rejection import Address, Rejection

_MORE = re.compile(r" \([0-9]+ more\)$")
_INDEX = re.compile(r"/[0-9]+(?=/|$)")
_FOUND = ", found "
_MOST_VALUES = 100  # distinct values that a group remembers
_SHOWN_VALUES = 3


class Group(msgspec.Struct):
    """Rejections that have the same cause. since, until: RFC 3339, the first and the last event's own time."""

    reason: str
    path: str
    schema_version: str
    producer: str
    rule: str
    """what was expected, as the first of them was told"""
    events: int = 0
    mended: int = 0
    """of these events, those that have a prediction by now"""
    since: str = ""
    until: str = ""
    found: dict[str, int] = {}
    """values that were found → events; no more than 100 of them"""
    example: str = ""
    """address of the first: topic/partition/offset"""

    @property
    def line(self) -> str:
        """The group as a sentence."""
        common = sorted(self.found.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_VALUES]
        values = " or ".join(value for value, _ in common) + (" or others" if len(self.found) > _SHOWN_VALUES else "")
        found = f", found {values}" if values else ""
        mended = f", {self.mended:,} of them mended" if self.mended else ""
        noun = "event" if self.events == 1 else "events"
        return f"{self.events:,} {noun}: {self.rule}{found}; since {_clock(self.since)}, from producer {self.producer}{mended}"


def grouped(rejections: Iterable[Rejection], predicted: AbstractSet[Address] = frozenset()) -> list[Group]:
    """Groups of rejections, the largest first. predicted: addresses that have a prediction by now."""
    groups: dict[tuple[str, ...], Group] = {}
    for rejection in rejections:
        path = _INDEX.sub("/*", rejection.path)
        rule, value = parts_of(rejection.message or rejection.reason)
        key = (rejection.reason, path, rejection.schema_version, rejection.producer)
        group = groups.setdefault(key, Group(*key, rule=rule, example="/".join(map(str, rejection.address))))
        _add(group, rejection, value, predicted)
    return sorted(groups.values(), key=lambda group: (-group.events, group.reason, group.path, group.producer))


def counts(rejections: Iterable[Rejection]) -> Mapping[str, dict[str, int]]:
    """Events by reason, path, schema_version, producer, stage and attempt: name → value → events, the most first."""
    names = ("reason", "path", "schema_version", "producer", "stage", "attempt")
    tables: dict[str, dict[str, int]] = {name: {} for name in names}
    for rejection in rejections:
        for name, table in tables.items():
            value = str(getattr(rejection, name))
            table[value] = table.get(value, 0) + 1
    return {name: dict(sorted(table.items(), key=lambda item: (-item[1], item[0]))) for name, table in tables.items()}


def parts_of(message: str) -> tuple[str, str]:
    """A reason's message as what was expected and what was found.

    >>> parts_of("/tenure: minimum 0, found -1 (2 more)")
    ('/tenure: minimum 0', '-1')
    """
    rule, found, value = _MORE.sub("", message).rpartition(_FOUND)
    return (rule, value) if found else (value, "")


def _add(group: Group, rejection: Rejection, value: str, predicted: AbstractSet[Address]) -> None:
    at = instant(rejection.received_ms)
    group.events += 1
    group.mended += rejection.address in predicted
    group.since = min(group.since or at, at)
    group.until = max(group.until, at)
    if value and (value in group.found or len(group.found) < _MOST_VALUES):
        group.found[value] = group.found.get(value, 0) + 1


def instant(moment_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339; as they are where no date holds them.

    >>> instant(0), instant(2**62)
    ('1970-01-01T00:00:00.000000Z', '4611686018427387904 ms')
    """
    try:
        return rfc3339(datetime.fromtimestamp(moment_ms / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return f"{moment_ms} ms"


def _clock(at: str) -> str:
    """To the minute, with the day: an incident may be of yesterday."""
    return at[:16].replace("T", " ") + " UTC" if at.endswith("Z") else at
