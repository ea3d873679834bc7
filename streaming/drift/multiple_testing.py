"""Many tests in one window: how sure each is when all are looked at together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def benjamini_hochberg(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values by name: those at most α are, among all at most α, wrong with a share of at most α.

    Holds for independent tests and for those that rise together (Benjamini & Hochberg 1995, Journal of the Royal Statistical
    Society B 57(1); Benjamini & Yekutieli 2001, Annals of Statistics 29(4)).

    >>> benjamini_hochberg({"a": 0.01, "b": 0.04, "c": 0.5})
    {'a': 0.03, 'b': 0.06, 'c': 0.5}
    """
    names = sorted(p_values, key=lambda name: p_values[name])
    raised = np.array([p_values[name] for name in names]) * len(names) / np.arange(1, len(names) + 1)
    adjusted = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return {name: float(adjusted[names.index(name)]) for name in p_values}
