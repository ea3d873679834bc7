"""Whether versions of an event go together: each break with who breaks and how to mend it.

Backward: events of the older version, lifted (`move`), are valid under the newer one; else old producers break.
Forward: events of the newer version, as they are, are valid under the older one; else old consumers break.
A version is never called compatible unless it is proved so keyword by keyword; what cannot be decided is a break, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from streaming.contracts.containment import Refusal, distinct, refusals, restricting, same
from streaming.contracts.fields import Field
from streaming.contracts.keywords import EVENT_RULES
from streaming.contracts.move import Move, as_is, move_along
from streaming.contracts.rules import names_of, parts_of
from streaming.contracts.schema import Contract
from streaming.contracts.validator import compiled

Compatibility = Literal["backward", "forward", "full"]
Who = Literal["old producers", "old consumers"]
_COUNTING = ("minProperties", "maxProperties")


class Break(msgspec.Struct, frozen=True):
    """One reason why two versions do not go together. path: JSON Pointer; rule: the keyword that refuses; mend: what to do.

    older, newer: versions; decided: False where it could not be told and is taken for a break; example: a value of the field
    at `path` that one version allows and the other refuses, or UNSET.
    """

    who: Who
    older: int
    newer: int
    path: str
    rule: str
    found: str
    mend: str
    decided: bool = True
    example: Any = UNSET

    @property
    def message(self) -> str:
        """One line for a person."""
        events = f"events of v{self.older} are refused by v{self.newer}"
        if self.who == "old consumers":
            events = f"events of v{self.newer} are refused by v{self.older}"
        return f"{self.path or '/'}: {self.rule}: {self.found}; {self.who} break ({events}); {self.mend}"


def breaks_between(versions: Sequence[Contract], compatibility: Compatibility = "backward", *, transitive: bool = False) -> list[Break]:
    """All breaks between consecutive versions of one event, ascending; transitive: between each version and all before it."""
    found: list[Break] = []
    for place in range(1, len(versions)):
        for first in range(0 if transitive else place - 1, place):
            pair = versions[first : place + 1]
            if compatibility != "forward":
                found += breaks_of(move_along(pair), "old producers")
            if compatibility != "backward":
                found += breaks_of(as_is(pair[-1], pair[0]), "old consumers")
    return found


def breaks_of(move: Move, who: Who = "old producers") -> list[Break]:
    """What the move's target refuses of the events of its source after the move; empty: it is proved that nothing is."""
    older, newer = sorted((move.source.version, move.target.version))
    told = [*_field_refusals(move), *_rule_refusals(move)]
    return [Break(who, older, newer, r.path, r.rule, r.found, _mend(r, who, move), r.decided, r.example) for r in distinct(told)]


def _field_refusals(move: Move) -> Iterator[Refusal]:
    before = {field.name: field for field in move.source.fields}
    specs, earlier = move.target.resolved["properties"], move.source.resolved["properties"]
    tied = any(keyword in move.source.resolved for keyword in EVENT_RULES)
    for field in move.target.fields:
        old = before.get(move.names.get(field.name, ""))
        default = _usable(move, field)
        if field.required and not default and (old is None or not old.required):
            found = "is no field before, required now" if old is None else "may be absent before, required now"
            yield Refusal(f"/{field.name}", "required", found, decided=old is None or not tied)
        if old is None:
            continue
        spec = earlier[old.name]
        if old.nullable and not field.nullable and not move.closed:
            if field.required and not default:
                yield Refusal(f"/{field.name}", "type", "null is not allowed any more", decided=not tied, example=None)
            spec = _without_null(spec)
        for refusal in refusals(spec, specs[field.name], f"/{field.name}"):
            yield msgspec.structs.replace(refusal, decided=refusal.decided and not tied)
    if move.closed:
        for name in sorted(set(before) - set(specs)):
            yield Refusal(f"/{name}", "additionalProperties", "is no field there", decided=before[name].required or not tied)


def _usable(move: Move, field: Field) -> bool:
    """Whether a default can stand where a value misses."""
    return field.name in move.defaults and compiled(field.limits).is_valid(move.defaults[field.name])


def _rule_refusals(move: Move) -> Iterator[Refusal]:
    """Rules that tie fields together: kept where the same rule held before for fields that the move does not touch."""
    held = [restricting(part) for part in parts_of(move.source.resolved)]
    touched = _touched(move)
    for part in parts_of(move.target.resolved):
        rule = restricting(part)
        keyword = next(iter(part))
        if keyword in _COUNTING:
            yield from _count_refused(keyword, part[keyword], move)
        elif keyword == "dependentRequired":
            yield from _dependencies_refused(part[keyword], move, touched)
        elif rule is not True and (not any(same(rule, known) for known in held) or _looks_at(part, touched)):
            yield Refusal(
                "", keyword, f"the rule {_short(part)} is new, or fields that it names are; this cannot be decided", decided=False
            )


def _touched(move: Move) -> set[str]:
    """Fields of either version that an event may have differently after the move: renamed, filled, left out, null taken for absent."""
    if move.closed:
        return set()
    before = {field.name: field for field in move.source.fields}
    same_name = {name for name, old in move.names.items() if name == old}
    touched = (set(before) | {field.name for field in move.target.fields}) - same_name
    for field in move.target.fields:
        old = before.get(field.name)
        if old is not None and ((field.required and not old.required) or (old.nullable and not field.nullable)):
            touched.add(field.name)
    return touched


def _looks_at(part: Mapping[str, Any], touched: set[str]) -> bool:
    names = names_of(part)
    return bool(touched) if names is None else bool(names & touched)


def _always(move: Move) -> set[str]:
    """Fields of the target that every moved event has, as far as presence alone tells."""
    required = {field.name for field in move.source.fields if field.required}
    kept = {name for name, old in move.names.items() if old in required}
    nulls = {f.name for f in move.source.fields if f.nullable}
    certain = {f.name for f in move.target.fields if f.name in kept and (f.nullable or move.closed or move.names[f.name] not in nulls)}
    return certain | {f.name for f in move.target.fields if not move.closed and f.required and _usable(move, f)}


def _dependencies_refused(wanted: Mapping[str, Sequence[str]], move: Move, touched: set[str]) -> Iterator[Refusal]:
    known, always = move.source.resolved.get("dependentRequired", {}), _always(move)
    possible = set(move.names) | set(move.defaults)
    for name, others in wanted.items():
        kept = set() if name in touched else set(known.get(name, [])) - touched
        for other in sorted(set(others) - always - kept) if name in possible else []:
            yield Refusal(f"/{other}", "dependentRequired", f"may be absent beside {name} before, required now", decided=False)


def _count_refused(keyword: str, limit: int, move: Move) -> Iterator[Refusal]:
    before = move.source.resolved.get(keyword)
    if keyword == "minProperties":
        kept = before if before is not None and not _touched(move) else 0
        if max(len(_always(move)), kept) < limit:
            yield Refusal("", keyword, f"{before or 'any number'} before, {limit} now", decided=False)
        return
    possible = len(set(move.names) | (set() if move.closed else set(move.defaults)))
    kept = before if before is not None and not _touched(move) else possible
    if min(possible, kept) > limit:
        yield Refusal("", keyword, f"{before or 'any number'} before, {limit} now", decided=False)


def _mend(refusal: Refusal, who: Who, move: Move) -> str:
    """What makes it compatible, or lets it be."""
    name, rule = refusal.path.split("/")[1] if refusal.path else "", refusal.rule
    if who == "old consumers":
        if rule == "additionalProperties":
            return f"give consumers v{move.source.version} before producers send {name}"
        if rule == "required":
            return f"keep {name} required, or give consumers v{move.source.version} first"
        return f"keep what v{move.target.version} says of it, or give consumers v{move.source.version} first"
    if rule == "required" and name not in move.names:
        return f"give {name} an x-default (or x-renamed-from, if it had another name), or keep it optional"
    if rule == "required" or (rule == "type" and refusal.example is None):
        return f"give {name} an x-default, or keep it {'optional' if rule == 'required' else 'nullable'}"
    if rule == "type" and refusal.path.count("/") == 1:
        return f"keep the type of {name}, or add a field of another name with an x-default"
    return f"keep what v{move.source.version} allowed, or wait until no producer sends v{move.source.version}"


def _without_null(spec: Mapping[str, Any]) -> Mapping[str, Any] | bool:
    """A field's schema for what is left once null counts as absent; False if that is nothing."""
    if "type" not in spec:
        return spec
    kinds = [spec["type"]] if isinstance(spec["type"], str) else spec["type"]
    rest = [kind for kind in kinds if kind != "null"]
    return {**spec, "type": rest} if rest else False


def _short(part: Mapping[str, Any]) -> str:
    return "/".join(part)
