"""Drawings are well-formed and stay inside their box."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.metrics.sketches import Bins, Histogram
from streaming.report import svg
from streaming.report.charts import distribution


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_an_axis_ends_just_above_its_values(value: float) -> None:
    assert value <= svg.round_up(value) * (1 + 1e-9)
    assert svg.round_up(value) <= value * 2.01


@pytest.mark.parametrize("counts", [[0, 0, 0], [5, 0, 1], [1, 1, 1]])
@pytest.mark.parametrize("reference", [None, Histogram([2, 2, 2])])
def test_a_distribution_is_drawn_to_scale(counts: list[int], reference: Histogram | None) -> None:
    bins = Bins("categorical", values=["a", "<b>", "c & d"])
    drawn = distribution(bins, Histogram(counts), reference, "plan")
    heights = [float(bar.get("height", "")) for bar in ElementTree.fromstring(f"<div>{drawn}</div>").iter("rect")]
    assert len(heights) == 3 and all(0 <= height <= 100 for height in heights)
    assert [round(height / (max(heights) or 1), 3) for height in heights] == [round(n / (max(counts) or 1), 3) for n in counts]


def test_texts_are_escaped() -> None:
    drawn = distribution(Bins("categorical", values=["<script>"]), Histogram([1]), None, '"x"')
    assert "<script>" not in drawn
    assert 'aria-label="&#34;x&#34;' in drawn


def test_a_histogram_over_other_bins_is_not_drawn_as_if_it_fitted() -> None:
    drawn = distribution(Bins("numeric", edges=[1, 2]), Histogram([7, 7]), None, "tenure")
    assert set(re.findall(r'height="([\d.]+)"', drawn)) == {"0"}


def test_one_point_is_still_seen() -> None:
    assert svg.line([(0.5, 0.5)], "p50") == '<path class="line p50" d="M49 50L51 50"/>'
