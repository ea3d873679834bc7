"""Statistics against those of other data: skew between training and serving, drift between one span and a later one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from streaming.contracts.statistics import sketches
from streaming.contracts.statistics.anomaly import Anomaly, Change, shown_name
from streaming.contracts.statistics.dataset import Statistics
from streaming.contracts.statistics.distance import (
    jensen_shannon,
    jensen_shannon_by_chance,
    l_infinity,
    l_infinity_by_chance,
    largest_psi,
    psi,
    psi_by_chance,
    share_by_chance,
    shared_bins,
)
from streaming.contracts.statistics.field import FieldStatistics

Comparison = Literal["skew", "drift"]
MOST_CATEGORIES = 20
"""A field of integers with at most so many different values is compared by category."""
_NAMES = {"l_infinity": "L-infinity", "js": "Jensen–Shannon", "psi": "PSI"}
_OTHERS = "(other values)"
_WORDS = {"skew": ("training", "serving"), "drift": ("before", "now")}


class Thresholds(msgspec.Struct, frozen=True):
    """From when on a difference is an anomaly.

    categories: L-infinity of shares, 0 to 1; js: Jensen–Shannon divergence in bits, 0 to 1; psi: in nats; presence:
    difference of the shares of rows that have a value. measure: which of js and psi judges numbers (0.03 bits are about
    0.2 nats of PSI). To each is added what chance alone may make of samples as small as these.
    """

    categories: float = 0.1
    js: float = 0.03
    psi: float = 0.2
    presence: float = 0.05
    measure: Literal["js", "psi"] = "js"


def thresholds(measure: Literal["js", "psi"], distance: float | None, categories: float, presence: float) -> Thresholds:
    """Thresholds with `distance` for the measure that judges numbers; None leaves its default."""
    limits = Thresholds(categories=categories, presence=presence, measure=measure)
    return limits if distance is None else msgspec.structs.replace(limits, **{measure: distance})


class Distance(msgspec.Struct, frozen=True):
    """How far a field lies from the baseline.

    chance: what two samples of one population of these sizes hardly ever exceed; largest: of samples that have nothing in common;
    worst: the category that moved most, "" for numbers.
    """

    measure: Literal["l_infinity", "js", "psi"]
    value: float
    threshold: float
    chance: float
    worst: str = ""
    largest: float = 1.0

    @property
    def drifted(self) -> bool:
        """Whether the distance is more than the threshold and chance together."""
        return self.value > self.threshold + self.chance

    @property
    def told(self) -> bool:
        """Whether there are rows enough that the largest distance there is would be told."""
        return self.threshold + self.chance < self.largest


def against_baseline(
    now: Statistics,
    before: Statistics,
    *,
    comparison: Comparison = "drift",
    thresholds: Thresholds | None = None,
    leave_out: frozenset[str] = frozenset(),
    psi_of: Mapping[str, float] | None = None,
) -> list[Anomaly]:
    """Anomalies of data against a baseline, field by field in the baseline's order.

    comparison: what the baseline is: training data (skew), or an earlier span of the same source (drift); leave_out: fields
    that are not compared, as ids, times, and a target that serving does not know; psi_of: fields with a threshold of PSI of
    their own, by which their numbers or categories are judged, whatever `thresholds` say.
    """
    limits = thresholds or Thresholds()
    names = [name for name in dict.fromkeys([*before.fields, *now.fields]) if name not in leave_out]
    found: list[Anomaly] = []
    for name in names if now.rows and before.rows else []:
        old, new = before.fields.get(name), now.fields.get(name)
        if old is None or new is None:
            found.append(_one_sided(name, old, comparison))
        else:
            found += _presence(name, old, new, comparison, limits)
            found += _not_finite(name, old, new, comparison, limits)
            found += _distribution(name, old, new, comparison, distance(old, new, limits, (psi_of or {}).get(name)))
    return found


def too_few(
    now: Statistics, before: Statistics, *, thresholds: Thresholds | None = None, leave_out: frozenset[str] = frozenset()
) -> list[str]:
    """Fields with so few values on one side that no drift at all would be told from chance."""
    names = [name for name in before.fields if name in now.fields and name not in leave_out]
    return [name for name in names if (found := distance(before.fields[name], now.fields[name], thresholds)) and not found.told]


def distance(
    before: FieldStatistics, now: FieldStatistics, thresholds: Thresholds | None = None, own_psi: float | None = None
) -> Distance | None:
    """The distance of two distributions of a field; None where one side has no value, or too many texts to compare.

    own_psi: threshold of PSI of the field itself: then that is the measure, of categories too.
    """
    limits = thresholds or Thresholds()
    if _categorical(before) and _categorical(now) and (_counted(before) or _counted(now)):
        old, new = _counts(before, now)
        value, worst = l_infinity(old, new)
        if own_psi is None:
            return Distance("l_infinity", value, limits.categories, l_infinity_by_chance(old, new), worst)
        names = sorted({*old, *new})
        return _psi([old.get(name, 0.0) for name in names], [new.get(name, 0.0) for name in names], own_psi, worst)
    if _sketched(before) and _sketched(now):
        assert before.numbers is not None and now.numbers is not None
        bins = shared_bins(before.numbers.sketch, now.numbers.sketch)
        if own_psi is not None or limits.measure == "psi":
            return _psi(*bins, limits.psi if own_psi is None else own_psi)
        return Distance("js", jensen_shannon(*bins), limits.js, jensen_shannon_by_chance(*bins))
    return None


def _psi(old: list[float], new: list[float], threshold: float, worst: str = "") -> Distance:
    return Distance("psi", psi(old, new), threshold, psi_by_chance(old, new), worst, largest_psi(old, new))


def _sketched(field: FieldStatistics) -> bool:
    """Whether there are finite numbers, and none of a person."""
    return field.numbers is not None and bool(sketches.quantiles(field.numbers.sketch, [0.5]))


def _categorical(field: FieldStatistics) -> bool:
    """Whether values are compared one by one: texts, flags, and integers of which there are few."""
    kinds = set(field.kinds)
    return bool(kinds) and (
        kinds <= {"string", "boolean"} or (kinds <= {"integer", "string"} and sketches.distinct(field.distinct).least <= MOST_CATEGORIES)
    )


def _counted(field: FieldStatistics) -> bool:
    """Whether every value is known with its count; of personal data none is."""
    tops = sketches.top_values(field.top)
    return bool(tops) and all(top.least == top.most for top in tops)


def _counts(before: FieldStatistics, now: FieldStatistics) -> list[dict[str, float]]:
    """Counts of both sides over the values that the side knows that counted all; the rest together is one more value."""
    known = [{top.value: float(top.count) for top in sketches.top_values(side.top)} for side in (before, now)]
    if not (_counted(before) and _counted(now)):
        names = known[0] if _counted(before) else known[1]
        known = [{name: counts.get(name, 0.0) for name in names} for counts in known]
    return [counts | {_OTHERS: max(0.0, _values(side) - sum(counts.values()))} for counts, side in zip(known, (before, now), strict=True)]


def _values(field: FieldStatistics) -> int:
    texts = field.texts.lengths.count if field.texts else 0
    return texts + (field.numbers.moments.count if field.numbers else 0)


def _distribution(
    name: str, old: FieldStatistics, new: FieldStatistics, comparison: Comparison, found: Distance | None
) -> Iterator[Anomaly]:
    if found is None or not found.drifted:
        return
    moved = _moved(old, new, found, comparison)
    yield Anomaly(
        name, comparison, f"{_NAMES[found.measure]} {found.value:.3f}, {moved}", f"at most {found.threshold:g}{_by_chance(found.chance)}",
        None, None, False, f"see what changed in the source of {shown_name(name)}",
        'if the change is real: train again and take these data as the baseline; or set "x-drift" of the field '
        + ("to a higher threshold" if found.measure == "psi" else "to false, and it is not compared"),
        Change(put={"x-drift": {"threshold": round(found.value * 1.1, 3)}}) if found.measure == "psi" else None,
    )  # fmt: skip


def _by_chance(chance: float, digits: int = 3) -> str:
    """What a threshold is widened by; nothing where that is too little to be seen."""
    return f" and {chance:.{digits}f} by chance" if round(chance, digits) else ""


def _moved(old: FieldStatistics, new: FieldStatistics, found: Distance, comparison: Comparison) -> str:
    first, second = _WORDS[comparison]
    if found.worst:
        shares = [counts.get(found.worst, 0) / (sum(counts.values()) or 1) * 100 for counts in _counts(old, new)]
        return f"{found.worst!r} {shares[0]:.3g} % {first}, {shares[1]:.3g} % {second}"
    means = [side.numbers.moments.mean if side.numbers else 0.0 for side in (old, new)]
    return f"mean {means[0]:.4g} {first}, {means[1]:.4g} {second}"


def _presence(name: str, old: FieldStatistics, new: FieldStatistics, comparison: Comparison, limits: Thresholds) -> Iterator[Anomaly]:
    missing = new.present / new.rows < old.present / old.rows
    yield from _share(
        name, (old.present, new.present), (old.rows, new.rows), comparison, limits, of=("a value", "rows"),
        data=f"see why {shown_name(name)} is {'missing' if missing else 'there'} more often",
        schema="if it is meant: make the field optional or required, and train again",
    )  # fmt: skip


def _not_finite(name: str, old: FieldStatistics, new: FieldStatistics, comparison: Comparison, limits: Thresholds) -> Iterator[Anomaly]:
    """NaN and infinity are there as values, and in no distribution: their share is compared by itself."""
    if old.numbers is None or new.numbers is None:
        return
    before, now = (side.nan + side.infinite for side in (old.numbers, new.numbers))
    totals = old.numbers.moments.count + before, new.numbers.moments.count + now
    yield from _share(
        name, (before, now), totals, comparison, limits, of=("NaN or infinity", "numbers"),
        data=f"see why {shown_name(name)} is {'more' if now * totals[0] > before * totals[1] else 'less'} often no finite number",
        schema="no schema allows them; if it is meant, take these data as the baseline",
    )  # fmt: skip


def _share(
    name: str, found: tuple[int, int], totals: tuple[int, int], comparison: Comparison, limits: Thresholds, *,
    of: tuple[str, str], data: str, schema: str,
) -> Iterator[Anomaly]:  # fmt: skip
    """The anomaly of a share that differs, `found` of `totals` on both sides. of: what is found in what; data, schema: the two mends."""
    before, now = (part / total for part, total in zip(found, totals, strict=True))
    chance = share_by_chance(before, now, *totals)
    first, second = _WORDS[comparison]
    if abs(before - now) > limits.presence + chance:
        yield Anomaly(
            name, "presence", f"{of[0]} in {now * 100:.3g} % of the {of[1]} {second}, {before * 100:.3g} % {first}",
            f"a difference of at most {limits.presence * 100:g} points{_by_chance(chance * 100, 1)}", None, None, True, data, schema, None,
        )  # fmt: skip


def _one_sided(name: str, old: FieldStatistics | None, comparison: Comparison) -> Anomaly:
    first, second = _WORDS[comparison]
    here = second if old is None else first
    return Anomaly(
        name, "presence", f"a field in the data of {here} alone", f"the same fields {first} and {second}", None, None, True,
        f"send {shown_name(name)} on both sides, or on none", "say with x-environments where the field stands, or take it out", None,
    )  # fmt: skip
