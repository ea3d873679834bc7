"""The same event keys on two partitions, in two tasks of one batch at the same time: exactly one of each stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from events import event, message
from service import Address, Starter, metrics, prepare, produce, reasons, scored, select, wait_until

from streaming.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
KEYS = 400  # of each kind


@pytest.fixture
def settings(settings_file: Path, registry_table: str) -> Settings:
    """Two partitions, a task for each, and Arrow batches so small that the tasks' transactions meet many times."""
    text = settings_file.read_text().replace("partitions = 4", "partitions = 2")
    settings_file.write_text(text.replace("[stream]", "[stream]\nevents_per_task = 1\narrow_batch_rows = 40"))
    return prepare(settings_file, registry_table)


def on(partition: int, fields: dict[str, Any]) -> dict[str, Any]:
    return message(fields) | {"partition": partition}


def test_of_one_key_in_two_tasks_one_stands_and_the_other_is_a_repeat_or_a_conflict(settings: Settings, start: Starter) -> None:
    same = [event(n) for n in range(KEYS)]
    changed = [event(n) for n in range(KEYS)]
    others = [fields | {"tenure": (fields["tenure"] + 1) % 100} for fields in changed]
    # The second task meets the keys in the opposite order: transactions that lock in the order of arrival would deadlock.
    sent = produce(settings, [on(0, fields) for fields in same + changed] + [on(1, fields) for fields in (same + others)[::-1]])
    first, second = sent[: 2 * KEYS], sent[2 * KEYS :][::-1]
    job = start().wait_ready()
    wait_until("the batch is recorded", lambda: sum(record.events for record in metrics(settings)) == 4 * KEYS)

    (record,) = metrics(settings)
    plan = json.loads((Path(settings.stream.checkpoint) / "plans" / "0").read_text())
    assert plan["tasks"] == 2
    assert (record.scored, record.repeated, record.rejected_by_reason) == (2 * KEYS, KEYS, {"event_conflict": KEYS})
    stands = scored(settings)
    told = reasons(settings)
    winners = [exactly_one(stands, pair) for pair in zip(first, second, strict=True)]
    losers = [b if winner == a else a for winner, a, b in zip(winners, first, second, strict=True)]
    assert set(stands) == set(winners)
    assert {partition for partition, _ in winners} == {0, 1}, "the tasks ran at the same time"
    assert told == dict.fromkeys(losers[KEYS:], "event_conflict")
    assert {stands[winner] for winner in winners} == {fields["event_id"] for fields in same + changed}
    assert current(settings) <= set(winners), "what is current stands"
    assert "sink_away" not in job.log.read_text(), "no deadlock made a task try again"
    assert job.terminate() == 0


def exactly_one(stands: dict[Address, str], pair: tuple[Address, Address]) -> Address:
    """The address of a pair that stands."""
    found = [address for address in pair if address in stands]
    assert len(found) == 1, pair
    return found[0]


def current(settings: Settings) -> set[Address]:
    """Addresses in current_prediction."""
    return {(partition, offset) for partition, offset in select(settings, "SELECT source_partition, source_offset FROM current_prediction")}
