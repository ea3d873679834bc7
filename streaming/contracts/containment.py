"""Whether one schema allows every value that another allows, keyword by keyword; what cannot be decided counts as refused.

Exact where the source allows a countable set (enum, const, booleans, bounded whole numbers: each value is tried), and for
types, bounds, lengths, multiples, presence and closed objects. A pattern, a condition or a negation that changed cannot be decided.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import UNSET

from streaming.contracts.keywords import ANNOTATIONS, BOUNDS, COMPOSED, LISTS, MAPS, SINGLE
from streaming.contracts.reasons import shorten
from streaming.contracts.validator import compiled

Schema = Mapping[str, Any]
_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_MOST_TRIED = 2000
"""A source that allows no more values than this is tried value by value."""
_LENGTHS = {"uuid": 36, "date": 10}
_TOGETHER = ("if", "then", "else"), ("contains", "minContains", "maxContains")
_OF_TYPES = {
    frozenset({"integer", "number"}): BOUNDS | {"multipleOf"},
    frozenset({"string"}): {"minLength", "maxLength", "pattern", "format"},
    frozenset({"array"}): {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"},
    frozenset({"object"}): {"properties", "required", "additionalProperties", "patternProperties", "propertyNames"}
    | {"minProperties", "maxProperties", "dependentRequired", "dependentSchemas"},
}


class Refusal(msgspec.Struct, frozen=True):
    """Something that the source allows and the target does not.

    path: JSON Pointer of the place; rule: the target's keyword; found: in words; decided: False where it could not be told and
    is taken for refused; example: a value that the source allows and the target refuses, or UNSET.
    """

    path: str
    rule: str
    found: str
    decided: bool = True
    example: Any = UNSET


def refusals(source: Schema | bool, target: Schema | bool, path: str = "") -> list[Refusal]:
    """Where a target schema refuses what a source schema allows; empty if it refuses nothing. Both without references.

    >>> refusals({"type": "integer", "minimum": 0, "maximum": 9999}, {"type": "number", "minimum": 1})[0].found
    'from 0 before, from 1 now'
    >>> refusals({"type": "integer"}, {"type": "number"})
    []
    """
    before, now = restricting(source), restricting(target)
    if before is False or same(before, now) or now is True:
        return []
    if now is False:
        return [Refusal(path, "falseSchema", "no value is allowed any more")]
    wide: Schema = {} if before is True else before
    values = finite(wide)
    if values is not None:
        return _refused_values(values, now, path)
    found = [*_types_refused(wide, now, path), *(r for keyword in now for r in _refused(keyword, wide, now, path))]
    # What the source says in composed keywords is not looked into: it may forbid what seems to be refused.
    return [msgspec.structs.replace(r, decided=False) if COMPOSED & set(wide) else r for r in distinct(found)]


def distinct(found: Iterable[Refusal]) -> list[Refusal]:
    """The first of each by path, rule and words. Their examples may be lists and objects, which cannot be hashed."""
    first: dict[tuple[str, str, str], Refusal] = {}
    for refusal in found:
        first.setdefault((refusal.path, refusal.rule, refusal.found), refusal)
    return list(first.values())


def restricting(schema: Any) -> Any:
    """A schema without annotations and x- keywords, at any depth; true where nothing is left of it."""
    if not isinstance(schema, Mapping):
        return schema
    kept: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ANNOTATIONS or keyword.startswith("x-"):
            continue
        if keyword in MAPS:
            kept[keyword] = {name: restricting(child) for name, child in value.items()}
        elif keyword in LISTS:
            kept[keyword] = [restricting(child) for child in value]
        else:
            kept[keyword] = restricting(value) if keyword in SINGLE else value
    return kept or True


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are written alike; 1 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def finite(schema: Schema) -> list[Any] | None:
    """All values that a schema allows, if they can be counted and are few; otherwise None.

    >>> finite({"type": ["integer", "null"], "minimum": 1, "maximum": 2})
    [None, 1, 2]
    """
    candidates = _candidates(schema)
    if candidates is None:
        return None
    allows = compiled(schema).is_valid
    return [value for value in candidates if allows(value)]


def _candidates(schema: Schema) -> list[Any] | None:
    if "const" in schema or "enum" in schema:
        return [schema["const"]] if "const" in schema else list(schema["enum"])
    kinds = _types(schema)
    known: list[Any] = [None] if "null" in kinds else []
    known += [False, True] if "boolean" in kinds else []
    rest = kinds - {"null", "boolean"}
    if not rest:
        return known
    low, high, step = _bound(schema, low=True), _bound(schema, low=False), _step(schema)
    if not rest <= {"integer", "number"} or step is None or low is None or high is None or (high[0] - low[0]) / step > _MOST_TRIED:
        return None
    count = math.floor((high[0] - low[0]) / step) + 1
    return known + [_plain(low[0] + place * step) for place in range(count)]


def _types(schema: Schema) -> frozenset[str]:
    found = schema.get("type", list(_TYPES))
    names = {found} if isinstance(found, str) else set(found)
    return frozenset(names | ({"integer"} if "number" in names else set()))


def _refused_values(values: list[Any], target: Schema, path: str) -> list[Refusal]:
    judge = compiled(target)
    by_rule: dict[str, list[Any]] = {}
    for value in values:
        for error in judge.iter_errors(value):
            by_rule.setdefault(str([part for part in error.schema_path if isinstance(part, str)][-1]), []).append(value)
            break
    return [Refusal(path, rule, f"{_listed(bad)} not allowed any more", example=bad[0]) for rule, bad in by_rule.items()]


def _listed(values: list[Any]) -> str:
    more = f" and {len(values) - 5} more" if len(values) > 5 else ""
    return ", ".join(map(shorten, values[:5])) + more + (" is" if len(values) == 1 else " are")


def _types_refused(source: Schema, target: Schema, path: str) -> list[Refusal]:
    gone = _types(source) - _types(target)
    # An integer is refused as a number is, which is told already.
    gone = gone - {"integer"} if "number" in gone and "number" in _types(source) else gone
    return (
        [Refusal(path, "type", f"{' and '.join(sorted(gone))} allowed before, {' or '.join(sorted(_types(target)))} now")] if gone else []
    )


def _refused(keyword: str, source: Schema, target: Schema, path: str) -> Iterator[Refusal]:
    """What one keyword of the target refuses."""
    kinds = next((kinds for kinds, keywords in _OF_TYPES.items() if keyword in keywords), _TYPES)
    if keyword == "type" or not kinds & _types(source):
        return
    if keyword in BOUNDS:
        yield from _bounds_refused(keyword, source, target, path)
    elif keyword == "multipleOf":
        step, wanted = _step(source), _exact(target["multipleOf"])
        if step is None or (step / wanted).denominator != 1:
            yield Refusal(path, keyword, f"multiples of {target['multipleOf']} only now")
    elif keyword[:3] in ("min", "max") and "Contains" not in keyword:
        yield from _size_refused(keyword, source, target, path)
    elif keyword in ("enum", "const"):
        yield Refusal(path, keyword, "a closed list of values now")
    elif keyword in ("required", "properties", "additionalProperties", "items", "allOf", "anyOf"):
        yield from _parts_refused(keyword, source, target, path)
    elif keyword == "uniqueItems":
        if target[keyword] and not source.get(keyword, False):
            yield Refusal(path, keyword, "each item only once now")
    else:
        group: tuple[str, ...] = next((group for group in _TOGETHER if keyword in group), (keyword,))
        if not all(same(source.get(name), target.get(name)) for name in group):
            sure = keyword == "format" and "pattern" not in source
            yield Refusal(path, group[0], f"{group[0]} is another now; whether it refuses what was allowed cannot be decided", decided=sure)


def _bounds_refused(keyword: str, source: Schema, target: Schema, path: str) -> Iterator[Refusal]:
    low, strict, wanted = keyword.endswith("inimum"), keyword.startswith("exclusive"), _exact(target[keyword])
    found = _bound(source, low=low)
    inside = found is not None and (found[0] > wanted if low else found[0] < wanted)
    if inside or (found is not None and found[0] == wanted and (found[1] or not strict)):
        return
    word = "from" if low else "to"
    before = "no limit" if found is None else f"{word} {'beyond ' if found[1] else ''}{_plain(found[0])}"
    now = f"{word} {'beyond ' if strict else ''}{target[keyword]} now"
    yield Refusal(path, keyword, f"{before} before, {now}", example=UNSET if found is None or found[1] else _plain(found[0]))


def _size_refused(keyword: str, source: Schema, target: Schema, path: str) -> Iterator[Refusal]:
    before = source.get(keyword, 0 if keyword.startswith("min") else None)
    if keyword in ("minLength", "maxLength"):
        before = _LENGTHS.get(source.get("format", ""), before)
    now = target[keyword]
    if before is None or (before < now if keyword.startswith("min") else before > now):
        yield Refusal(path, keyword, f"{'any' if before is None else before} before, {now} now")


def _parts_refused(keyword: str, source: Schema, target: Schema, path: str) -> Iterator[Refusal]:
    if keyword == "required":
        missing = sorted(set(target[keyword]) - set(source.get(keyword, [])))
        yield from (Refusal(f"{path}/{name}", keyword, "may be absent before, required now") for name in missing)
    elif keyword == "properties":
        for name, child in target[keyword].items():
            before = source.get(keyword, {}).get(name, source.get("additionalProperties", True))
            before = before if "patternProperties" not in source or name in source.get(keyword, {}) else True
            yield from refusals(before, child, f"{path}/{name}")
    elif keyword == "additionalProperties":
        yield from _additional_refused(source, target, path)
    elif keyword == "items":
        before = source.get("items", True) if "prefixItems" not in source and "prefixItems" not in target else True
        yield from [] if same(before, target["items"]) else refusals(before, target["items"], f"{path}/*")
    elif keyword == "allOf":
        new = [part for part in target[keyword] if not any(same(part, known) for known in source.get(keyword, []))]
        yield from (refusal for part in new for refusal in refusals(source, part, path))
    elif not same(source.get(keyword), target[keyword]) and all(refusals(source, part, path) for part in target[keyword]):
        yield Refusal(
            path, keyword, "no alternative allows all that was allowed; whether they do together cannot be decided", decided=False
        )


def _additional_refused(source: Schema, target: Schema, path: str) -> Iterator[Refusal]:
    if not same(source.get("patternProperties"), target.get("patternProperties")):
        yield Refusal(path, "additionalProperties", "patternProperties are others now; this cannot be decided", decided=False)
        return
    for name in sorted(set(source.get("properties", {})) - set(target.get("properties", {}))):
        yield from refusals(source["properties"][name], target["additionalProperties"], f"{path}/{name}")
    yield from refusals(source.get("additionalProperties", True), target["additionalProperties"], f"{path}/*")


def _bound(schema: Schema, *, low: bool) -> tuple[Fraction, bool] | None:
    """The tighter of the two bounds on a side, and whether it is excluded; on whole steps, the outermost step allowed."""
    side = "inimum" if low else "aximum"
    sign = 1 if low else -1
    names = (f"m{side}", f"exclusiveM{side}")
    found = [(sign * _exact(schema[name]), name.startswith("excl")) for name in names if name in schema]
    if not found:
        return None
    value, strict = max(found)
    step = _step(schema)
    if step is None:
        return sign * value, strict
    whole = math.ceil(value / step) * step
    return sign * (whole + step if strict and whole == value else whole), False


def _step(schema: Schema) -> Fraction | None:
    """What every number that is allowed is a multiple of."""
    whole = Fraction(1) if "number" not in _types(schema) else None
    own = _exact(schema["multipleOf"]) if "multipleOf" in schema else None
    if whole is None or own is None:
        return own or whole
    return Fraction(math.lcm(own.numerator, own.denominator), own.denominator)


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)
