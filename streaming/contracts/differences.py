"""What differs between two versions of an event, change by change, and who breaks by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from streaming.contracts.containment import same
from streaming.contracts.evolution import Break, Who, breaks_between
from streaming.contracts.move import move_along
from streaming.contracts.reasons import clip
from streaming.contracts.resolve import resolve
from streaming.contracts.schema import Contract

Kind = Literal["added", "removed", "renamed", "changed"]
_NOT_COMPARED = {"$schema", "$id", "$defs", "properties", "required"}
_SHOWN = 60


class Change(msgspec.Struct, frozen=True):
    """One change. path: JSON Pointer, "" for the event; keyword: "" for a whole field; before, after: JSON values, None where not there.

    breaks: who breaks by it; undecided: whether that is taken for a break because it cannot be told; mend: what would spare it.
    """

    kind: Kind
    path: str
    keyword: str
    before: Any
    after: Any
    breaks: tuple[Who, ...] = ()
    undecided: bool = False
    mend: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What changed, for a person.

        >>> Change("changed", "/tenure", "minimum", 0, 1).told
        'minimum: 0 → 1'
        """
        if self.kind == "renamed":
            return f"renamed from {self.before}"
        if not self.keyword:
            return f"{self.kind}: {_short(self.after if self.kind == 'added' else self.before)}"
        return f"{self.keyword}: {_short(self.before)} → {_short(self.after)}"


def differences(old: Contract, new: Contract) -> list[Change]:
    """Every change from one version to another, in the newer schema's order; targets of training too."""
    breaks = breaks_between([old, new], "full")
    found = list(_changes(resolve(old.document, old.event), resolve(new.document, new.event), _renames(old, new)))
    return [_judged(change, [b for b in breaks if _concerns(b, change, found)]) for change in found]


def _renames(old: Contract, new: Contract) -> dict[str, str]:
    return {name: before for name, before in move_along([old, new]).names.items() if name != before}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], renames: Mapping[str, str]) -> Iterator[Change]:
    yield from _keywords("", before, after)
    earlier, later = before["properties"], after["properties"]
    for name, spec in later.items():
        known = renames.get(name, name)
        if known not in earlier:
            yield Change("added", f"/{name}", "", None, spec)
            continue
        if known != name:
            yield Change("renamed", f"/{name}", "", known, name)
        yield from _keywords(f"/{name}", earlier[known], spec)
        was, is_now = known in before.get("required", []), name in after.get("required", [])
        if was != is_now:
            yield Change("changed", f"/{name}", "required", was, is_now)
    for name in earlier:
        if name not in later and name not in renames.values():
            yield Change("removed", f"/{name}", "", earlier[name], None)


def _keywords(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for keyword in dict.fromkeys([*before, *after]):
        one, other = before.get(keyword), after.get(keyword)
        if keyword not in _NOT_COMPARED and not same(one, other):
            kind: Kind = "changed" if keyword in before and keyword in after else "added" if keyword in after else "removed"
            yield Change(kind, path, keyword, one, other)


def _concerns(found: Break, change: Change, every: list[Change]) -> bool:
    """A break belongs to the change of its own keyword at its place, else to all changes of that field."""
    place = "/".join(found.path.split("/")[:2])
    here = [other for other in every if other.path == place] or [other for other in every if not other.path and found.path == ""]
    if not here and change.kind == "renamed":
        return place == f"/{change.before}"
    own = [other for other in here if other.keyword in (found.rule, "")]
    return change in (own or here)


def _judged(change: Change, breaks: list[Break]) -> Change:
    return msgspec.structs.replace(
        change,
        breaks=tuple(dict.fromkeys(b.who for b in breaks)),
        undecided=bool(breaks) and not any(b.decided for b in breaks),
        mend=tuple(dict.fromkeys(b.mend for b in breaks)),
    )


def _short(value: Any) -> str:
    return "–" if value is None else clip(msgspec.json.encode(value).decode(), _SHOWN)
