"""The error of an estimator is itself a figure: estimates held to the labels that came, and what many of them come to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from streaming.drift.alert import identify
from streaming.metrics.estimate_records import Estimate, Measured


class EstimatorError(NamedTuple):
    """Of one figure over many windows. bias: mean of estimated minus measured; within: share of windows whose band held the truth."""

    windows: int
    bias: float
    mean_absolute_error: float
    within: float


def hold_to_truth(estimate: Estimate, measured: Mapping[str, float], labelled: int, *, at: str) -> Estimate:
    """The estimate with what the labels of its window say, under an id of its own.

    measured: by figure; those that were not estimated, or are NaN, are left out. labelled: rows they are of. at: RFC 3339.
    Where only a part of the window is labelled, give the estimate of that part: labels seldom are a random share.
    """
    held = {}
    for name, figure in estimate.figures.items():
        if name in measured and not math.isnan(measured[name]):
            value = measured[name]
            held[name] = Measured(value, figure.value - value, figure.low <= value <= figure.high)
    return msgspec.structs.replace(
        estimate, id=identify("estimate held", estimate.id, str(labelled), at), at=at, labelled=labelled, measured=held
    )


def errors(estimates: Iterable[Estimate]) -> dict[str, EstimatorError]:
    """The estimator's error by figure, over the estimates that were held to the truth; of a window's repeats the last counts.

    One model version, one method and one source, or the figures mean nothing.
    """
    last = {(one.window_start, one.window_end): one for one in estimates if one.measured}
    names = dict.fromkeys(name for one in last.values() for name in one.measured)
    return {name: _error([one.measured[name] for one in last.values() if name in one.measured]) for name in names}


def _error(found: list[Measured]) -> EstimatorError:
    apart = np.array([one.error for one in found])
    return EstimatorError(len(found), float(apart.mean()), float(np.abs(apart).mean()), sum(one.within for one in found) / len(found))
