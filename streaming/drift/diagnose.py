"""What has probably happened to a feature, in words, and what to do: the sentence that an alert suggests."""

from __future__ import annotations

import numpy as np

from streaming.drift.ks import ks
from streaming.drift.l_infinity import l_infinity
from streaming.drift.measures import THRESHOLDS
from streaming.drift.sample import Sample
from streaming.metrics.kll import Points, quantile
from streaming.metrics.sketches import Bins

_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_UNITS = {1000.0: "thousand for one", 100.0: "cents for euros, or per cent for shares", 60.0: "minutes for hours, or seconds for minutes",
          3600.0: "seconds for hours", 24.0: "hours for days", 12.0: "months for years", 10.0: "a decimal point",
          1.609344: "kilometres for miles", 2.204623: "pounds for kilograms", 1_000_000.0: "a million for one"}  # fmt: skip
_ALIKE = 0.06  # a factor is known this well from a window of some hundred events
_SAME = 0.001  # p-value from which two samples pass for one distribution


def diagnose(bins: Bins, expected: Sample, actual: Sample) -> str:
    """The likeliest cause of a shift, as a sentence; expected and actual are of the same bins.

    The kinds of fault that break data come first (names, nulls, units): they need a mend, not a new model.
    """
    for told in (_renamed(bins, expected, actual), _broken(expected, actual), _scaled(expected.points, actual.points)):
        if told:
            return told
    return _moved(bins, expected, actual)


def _renamed(bins: Bins, expected: Sample, actual: Sample) -> str:
    before, now = expected.histogram, actual.histogram
    unseen = now.unseen / now.total
    if unseen - before.unseen / before.total < THRESHOLDS["unseen_share"]:
        return ""
    lost = [b / before.total - n / now.total for b, n in zip(before.counts, now.counts, strict=True)]
    place = int(np.argmax(lost)) if lost else 0
    told = f"{unseen:.1%} are values that training did not know"
    if lost and lost[place] > unseen / 2 and now.counts[place] < before.counts[place] / before.total * now.total / 2:
        share = before.counts[place] / before.total
        told += f", while {bins.values[place]!r} fell from {share:.1%} to {now.counts[place] / now.total:.1%}: it seems renamed"
        return f"{told}; let the source write the old name, or map it in the contract"
    return f"{told}: a new category; see that the model may score it, then train anew"


def _broken(expected: Sample, actual: Sample) -> str:
    before, now = expected.histogram, actual.histogram
    shares = before.missing / before.total, now.missing / now.total
    if shares[1] - shares[0] < THRESHOLDS["missing_share"]:
        return ""
    return f"{shares[1]:.1%} have no value, {shares[0]:.1%} in training: look for a broken join or a field that the source no longer fills"


def _scaled(before: Points | None, now: Points | None) -> str:
    factor = common_factor(before, now) if before is not None and now is not None else None
    if factor is None or abs(factor - 1) < _ALIKE:
        return ""
    for unit, what in _UNITS.items():
        for known, told in ((unit, "large"), (1 / unit, "small")):
            if abs(factor / known - 1) < _ALIKE:
                return f"every value is {unit:g} times as {told}: a change of unit ({what}); let the source write the old unit"
    return f"every value is about {factor:.2f} times what it was: a price or a scale has changed; see whether it is meant, then train anew"


def common_factor(before: Points, now: Points) -> float | None:
    """The factor that makes one distribution the other; None if none does, or the signs differ.

    >>> from streaming.metrics.kll import points, sketch
    >>> numbers = np.arange(1.0, 101)
    >>> common_factor(points(sketch(numbers)), points(sketch(numbers * 100)))
    100.0
    """
    factors = [quantile(now, share) / first for share in _SHARES if (first := quantile(before, share)) != 0]
    if len(factors) < len(_SHARES) // 2 or min(factors) <= 0:
        return None
    middle = float(np.median(factors))
    # Single quantiles lie in gaps of a distribution and jump: what was is to be, times the factor, what is now.
    return middle if (ks(before._replace(values=before.values * middle), now).p_value or 0) >= _SAME else None


def _moved(bins: Bins, expected: Sample, actual: Sample) -> str:
    if bins.kind == "categorical" and any(actual.bins) and any(expected.bins):
        place = l_infinity(expected.bins, actual.bins)[1]
        shares = [sample.bins[place] / sum(sample.bins) for sample in (expected, actual)]
        return f"the share of {bins.values[place]!r} went from {shares[0]:.1%} to {shares[1]:.1%}: another mix; see where they come from"
    if expected.points is not None and actual.points is not None:
        medians = quantile(expected.points, 0.5), quantile(actual.points, 0.5)
        return f"the median went from {medians[0]:.4g} to {medians[1]:.4g}: another population or meaning; see what the source changed"
    return "the distribution over the training's bins has moved; see what the source changed"
