"""Sketches: counts over frozen bins merge exactly; latency quantiles stay within their stated error."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from streaming.metrics.sketches import Bins, Histogram, count, latency_quantile, latency_sketch, merge, merge_latencies

TENURE = Bins("numeric", edges=[1.0, 10.0])
CONTRACT = Bins("categorical", values=["monthly", "yearly"])


def test_numeric_bins_hold_their_upper_edge() -> None:
    assert count(TENURE, pa.array([0, 1, 2, 10, 11])) == Histogram([2, 2, 1])


def test_null_and_nan_are_missing() -> None:
    assert count(TENURE, pa.array([1.0, None, float("nan")])) == Histogram([1, 0, 0], missing=2)


def test_infinities_fall_into_the_outer_bins() -> None:
    assert count(TENURE, pa.array([-math.inf, math.inf])) == Histogram([1, 0, 1])


def test_categories_that_training_did_not_know_are_unseen() -> None:
    assert count(CONTRACT, pa.array(["yearly", "weekly", None, "yearly"])) == Histogram([0, 2], missing=1, unseen=1)


def test_integers_count_as_categories_by_their_text() -> None:
    assert count(Bins("categorical", values=["0", "1"]), pa.array([1, 1, 0])) == Histogram([1, 2])


def test_no_rows() -> None:
    assert count(TENURE, pa.array([], pa.float64())) == Histogram([0, 0, 0])


def test_halves_merge_to_the_whole() -> None:
    values = pa.array(np.random.default_rng(1).normal(5, 5, 1001))
    assert merge([count(TENURE, values[:400]), count(TENURE, values[400:])]) == count(TENURE, values)


def test_histograms_over_different_bins_do_not_merge() -> None:
    with pytest.raises(ValueError, match="same bins"):
        merge([Histogram([1]), Histogram([1, 2])])


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_latency_quantiles_are_within_their_stated_error(share: float) -> None:
    values = np.random.default_rng(2).lognormal(6, 1, 20_000)
    exact = float(np.quantile(values, share, method="inverted_cdf"))
    assert latency_quantile(latency_sketch(values), share) == pytest.approx(exact, rel=0.025)


def test_latency_sketches_merge_to_the_whole() -> None:
    values = np.random.default_rng(3).lognormal(6, 1, 999)
    assert merge_latencies([latency_sketch(values[:10]), latency_sketch(values[10:])]) == latency_sketch(values)


def test_an_empty_latency_sketch_has_no_quantile() -> None:
    assert math.isnan(latency_quantile({}, 0.5))
