"""The corpus of bad and odd events through the running stream: each has the outcome that stands beside it, and none harms another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from service import Starter, metrics, prepare, produce, reasons, scored, wait_until

CASES = [json.loads(line) for line in Path("tests/corpus/customer_activity.jsonl").read_text(encoding="utf-8").splitlines()]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


def test_every_case_of_the_corpus_has_its_outcome(settings_file: Path, registry_table: str, start: Starter) -> None:
    settings = prepare(settings_file, registry_table)
    sent = produce(settings, [{"value": case["value"].encode("latin-1"), "key": b"k"} for case in CASES])
    job = start().wait_ready()
    wait_until("all are judged", lambda: sum(record.events for record in metrics(settings)) >= len(CASES))
    predicted, rejected = scored(settings), reasons(settings)
    # Most of the good ones are the same event with other bytes: the first is scored, and the others are told to be conflicts.
    good = [address for case, address in zip(CASES, sent, strict=True) if not case["reason"]]
    assert {rejected.get(address, "event_conflict") for address in good} == {"event_conflict"}
    assert set(predicted) <= set(good)
    assert predicted
    bad = {case["name"]: (address, case["reason"]) for case, address in zip(CASES, sent, strict=True) if case["reason"]}
    assert {name: rejected.get(address) for name, (address, _) in bad.items()} == {name: reason for name, (_, reason) in bad.items()}
    assert job.terminate() == 0
