"""Plans survive their JSON; what this release cannot read is told."""

from __future__ import annotations

import pytest
from tests_support import a_plan

from streaming.errors import SkewedPlan
from streaming.models.plan import decode, encode


def test_a_plan_survives_its_json() -> None:
    assert decode(encode(a_plan())) == a_plan()


@pytest.mark.parametrize("text", ["", "{}", encode(a_plan())[:-20], encode(a_plan(version=2))])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(SkewedPlan, match="plan"):
        decode(text)
