from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from streaming.contracts import load_contract
from streaming.drift.psi import all_bins, psi
from streaming.local.corruption import KINDS
from streaming.local.telco import event_fields, load_telco, split
from streaming.local.traffic import MOVED, Mix, Sending, Traffic
from streaming.metrics.sketches import count as histogram
from streaming.models.artifact import Feature
from streaming.models.reference import freeze

START = datetime(2026, 1, 31, tzinfo=UTC)
EVENTS = 12_000


def traffic(events: int = EVENTS, seed: int = 7, mix: Mix | None = None) -> Traffic:
    ticks = count()
    customers = event_fields(split(load_telco())[1])
    return Traffic(customers, events, lambda: START + timedelta(milliseconds=next(ticks)), seed, mix or Mix())


@pytest.fixture(scope="module")
def sent() -> list[Sending]:
    return list(traffic())


def good(sendings: list[Sending]) -> list[dict[str, object]]:
    return [json.loads(s.value or b"") for s in sendings if s.kind == "good"]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert list(traffic(500)) == list(traffic(500))
    assert list(traffic(500)) != list(traffic(500, seed=8))


def test_two_in_a_hundred_are_broken_in_every_kind(sent: list[Sending]) -> None:
    kinds = Counter(s.kind for s in sent)
    broken = sum(n for kind, n in kinds.items() if kind not in {"good", "repeat"})
    assert 0.017 < broken / EVENTS < 0.023
    assert {*KINDS, "conflict", "good", "repeat"} == set(kinds)


def test_good_events_are_valid(sent: list[Sending]) -> None:
    contract = load_contract(Path("schemas/customer_activity/v1.json"))
    values = [s.value or b"" for s in sent if s.kind == "good"]
    assert [contract.check(value) for value in values[::40]] == [[]] * len(values[::40])


def test_a_repeat_has_the_bytes_of_an_earlier_good_event(sent: list[Sending]) -> None:
    seen: set[bytes | None] = set()
    for sending in sent:
        if sending.kind == "repeat":
            assert sending.value in seen
        if sending.kind == "good":
            seen.add(sending.value)


def test_a_conflict_has_the_key_of_an_earlier_event_and_other_bytes(sent: list[Sending]) -> None:
    earlier = {s.event_id: s for s in sent if s.kind == "good"}
    for conflict in (s for s in sent if s.kind == "conflict"):
        original = earlier[conflict.event_id]
        ours, theirs = json.loads(conflict.value or b""), json.loads(original.value or b"")
        assert (ours["event_id"], ours["event_time"]) == (theirs["event_id"], theirs["event_time"])
        assert original.index < conflict.index
        assert conflict.value != original.value
        assert conflict.customer == original.customer  # the same partition, so that it comes second


def test_event_time_is_the_time_of_sending(sent: list[Sending]) -> None:
    times = [str(event["event_time"]) for event in good(sent)]
    assert times == sorted(times)
    assert times[0].startswith("2026-01-31T00:00:00")


def test_without_a_shift_nobody_is_new() -> None:
    customers = {str(event["customer_id"]) for event in good(list(traffic(4000, mix=Mix(shift=False))))}
    assert max(customers) < "C1000000"


def test_new_customers_are_consistent(sent: list[Sending]) -> None:
    new = [event for event in good(sent) if str(event["customer_id"]) >= "C1000000"]
    assert 0.45 < len(new) / (EVENTS / 2) < 0.55
    for event in new:
        assert event["contract"] == "Month-to-month"
        tenure, charges, total = (event[name] for name in ("tenure", "monthly_charges", "total_charges"))
        assert isinstance(tenure, int)
        assert isinstance(charges, float)
        assert total == (pytest.approx(tenure * charges, abs=0.01) if tenure else None)


def test_the_shift_moves_what_it_says_and_nothing_else(sent: list[Sending]) -> None:
    training = split(load_telco())[0].drop(columns="churn")
    half = len(sent) // 2
    before, after = (pd.DataFrame(good(part)) for part in (sent[:half], sent[half:]))
    assert {name for name in training if distance(training[name], before[name]) > 0.1} == set()
    assert {name for name in training if distance(training[name], after[name]) > 0.2} == set(MOVED)
    assert {name for name in training if distance(training[name], after[name]) > 0.1} == set(MOVED)


def distance(expected: pd.Series, actual: pd.Series) -> float:
    """PSI over the bins that training would freeze."""
    frozen = freeze(Feature(str(expected.name), "categorical" if expected.dtype == object else "numeric"), column(expected))
    return psi(all_bins(frozen.counts), all_bins(histogram(frozen.bins, column(actual))))


def column(values: pd.Series) -> pa.Array:
    array = pa.array(values, from_pandas=True)
    texts = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return pc.cast(array, pa.string() if texts else pa.float64())


def test_customers_cycle() -> None:
    customers: list[Mapping[str, str | int | float | None]] = [{"customer_id": name, "monthly_charges": 1.0} for name in "abc"]
    made = Traffic(customers, 6, lambda: START, mix=Mix(broken=0, repeated=0, shift=False))
    assert [s.customer for s in made] == list("abcabc")
