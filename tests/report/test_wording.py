"""Words for people: every reason is explained, labels fit their bins."""

from __future__ import annotations

import pytest

from streaming.contracts.reasons import RULES
from streaming.metrics.sketches import Bins
from streaming.report.wording import REASONS, bin_names, clock, duration, explain, number


def test_every_rule_is_explained_and_nothing_else() -> None:
    assert set(REASONS) == RULES


def test_a_rule_of_a_later_release_still_reads() -> None:
    assert explain("brand_new_rule") == "Brand new rule"


@pytest.mark.parametrize(
    "bins",
    [Bins("numeric"), Bins("numeric", edges=[0.0]), Bins("numeric", edges=[1, 2.5, 9000]), Bins("categorical", values=["a", "b"])],
)
def test_each_bin_has_a_name_of_its_own(bins: Bins) -> None:
    names = bin_names(bins)
    assert len(names) == bins.size == len(set(names))


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (-3, "-3"), (100, "100"), (1000000, "1,000,000"), (0.5, "0.5"), (12.34, "12.3")])
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_units_grow_with_the_value() -> None:
    assert [duration(ms) for ms in (999, 1000, 9999, 600_000)] == ["999 ms", "1.0 s", "10.0 s", "10 min"]
    assert clock(0, span_s=60) == "00:00:00"
