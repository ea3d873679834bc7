"""The judge must see every kind of wrong, and nothing in a run that is right."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from faults.checker import FINDINGS, check, without_gaps
from faults.evidence import Acknowledged, Copy, Evidence, Predicted, Rejected

TOPIC = "activity"
INDEPENDENT = ("checker.py", "evidence.py", "evidence_hbase.py", "ledger.py", "checkpoint_watch.py")


def line(offset: int, *, kind: str = "good", reason: str = "", event: int | None = None, second: int = 0, sha: str = "") -> Acknowledged:
    """A message of entity C1: by default each an event of its own, later than the one before."""
    number = offset if event is None else event
    at = f"2026-01-01T00:00:{second or number:02d}.000000Z"
    return Acknowledged(kind, reason, f"e{number}", "C1", at, (TOPIC, 0, offset), 1000 + offset, sha or f"sha{number}")


def row(of: Acknowledged, **changes: object) -> Predicted:
    """The prediction that a message must get."""
    whole = Predicted(of.address, f"id-{of.event_id}", of.event_id, of.entity, of.event_time, of.sent_ms, str(of.sha256), "1", "q/0", 0.25)
    return replace(whole, **changes)  # type: ignore[arg-type]


def copy(of: Acknowledged) -> Copy:
    """What another sink must have of a message."""
    return Copy(f"id-{of.event_id}", of.address, "1", 0.25)


LINES = [
    line(1),
    line(2, second=9),  # the newest
    line(3, kind="repeat", event=1),
    line(4, kind="conflict", reason="event_conflict", event=1, sha="other"),
    line(5, kind="broken", reason="minimum"),
    line(6),  # late
]


def plan(**changes: object) -> str:
    """The one plan of the run."""
    return json.dumps({"plan_id": "q/0", "champion": {"version": "1"}, "offsets": {TOPIC: {"0": [0, 10]}}} | changes)


def right() -> Evidence:
    """A run in which everything is as it must be."""
    standing = [LINES[0], LINES[1], LINES[5]]
    rejected = [Rejected(one.address, one.reason, one.sha256) for one in LINES[3:5]]
    record = {"id": "q/0/0", "events": 6, "scored": 3, "rejected": 2, "repeated": 1}
    return Evidence(
        ledger=LINES,
        on_topic={one.address: one.sha256 for one in LINES},
        predicted=[row(one) for one in standing],
        current={"C1": (LINES[1].address, LINES[1].event_id)},
        rejected=[*rejected, rejected[0]],  # once more: at least once
        metrics=[record, record],
        plans={"0": [plan()]},
        copies={"topic": [copy(one) for one in [standing[0], *standing]], "files": [copy(one) for one in standing]},
    )


def test_a_run_that_is_right_has_no_findings() -> None:
    verdict = check(right())
    assert verdict.findings() == dict.fromkeys(FINDINGS, 0), verdict.shown
    assert (verdict.acknowledged, verdict.predicted, verdict.rejected) == (6, 3, 2)


def without_prediction(run: Evidence) -> None:
    del run.predicted[2]


def without_rejection(run: Evidence) -> None:
    run.rejected = [one for one in run.rejected if one.reason != "minimum"]


def without_conflict(run: Evidence) -> None:
    run.rejected = [one for one in run.rejected if one.reason != "event_conflict"]


def second_row(run: Evidence) -> None:
    run.predicted.append(replace(run.predicted[0], prediction_id="another"))


def repeat_predicted(run: Evidence) -> None:
    run.predicted.append(row(LINES[2]))


def other_bytes(run: Evidence) -> None:
    run.predicted[0] = replace(run.predicted[0], sha256="other")


def other_entity(run: Evidence) -> None:
    run.predicted[0] = replace(run.predicted[0], entity="C2")


def rejected_other_bytes(run: Evidence) -> None:
    run.rejected[1] = replace(run.rejected[1], sha256="cut")


def good_rejected(run: Evidence) -> None:
    run.rejected.append(Rejected(LINES[0].address, "minimum", LINES[0].sha256))


def broken_predicted(run: Evidence) -> None:
    run.predicted.append(row(LINES[4]))


def wrong_reason(run: Evidence) -> None:
    run.rejected[1] = replace(run.rejected[1], reason="scoring")


def conflict_stands(run: Evidence) -> None:
    run.predicted[0] = row(LINES[3])


def current_by_arrival(run: Evidence) -> None:
    run.current["C1"] = (LINES[5].address, LINES[5].event_id)


def no_current(run: Evidence) -> None:
    run.current.clear()


def current_from_nowhere(run: Evidence) -> None:
    run.current["C9"] = ((TOPIC, 0, 99), "e99")


def counted_twice(run: Evidence) -> None:
    run.metrics.append(run.metrics[0] | {"id": "q/1/0"})


def not_counted(run: Evidence) -> None:
    run.metrics.clear()


def planned_anew(run: Evidence) -> None:
    run.plans["0"].append(plan(now="later"))


def no_plan(run: Evidence) -> None:
    run.plans.clear()


def other_version(run: Evidence) -> None:
    run.predicted[0] = replace(run.predicted[0], model_version="2")


def outside_of_its_plan(run: Evidence) -> None:
    run.plans["0"] = [plan(offsets={TOPIC: {"0": [2, 10]}})]


def not_copied(run: Evidence) -> None:
    del run.copies["files"][0]


def copied_what_does_not_stand(run: Evidence) -> None:
    run.copies["topic"].append(copy(LINES[3]))
    run.copies["topic"][-1] = replace(run.copies["topic"][-1], prediction_id="another")


def copied_with_another_score(run: Evidence) -> None:
    run.copies["topic"][0] = replace(run.copies["topic"][0], score=0.26)


WRONGS: list[tuple[Callable[[Evidence], None], str]] = [
    *((wrong, "lost") for wrong in (without_prediction, without_rejection, without_conflict, not_copied)),
    *((wrong, "doubled") for wrong in (second_row, repeat_predicted, copied_what_does_not_stand)),
    *((wrong, "altered") for wrong in (other_bytes, other_entity, rejected_other_bytes, copied_with_another_score)),
    *((wrong, "misrouted") for wrong in (good_rejected, broken_predicted, wrong_reason, conflict_stands)),
    *((wrong, "stale_current") for wrong in (current_by_arrival, no_current, current_from_nowhere)),
    *((wrong, "miscounted") for wrong in (counted_twice, not_counted)),
    *((wrong, "unplanned") for wrong in (planned_anew, no_plan, other_version, outside_of_its_plan)),
]


@pytest.mark.parametrize(("wrong", "finding"), WRONGS, ids=[wrong.__name__ for wrong, _ in WRONGS])
def test_each_wrong_is_found(wrong: Callable[[Evidence], None], finding: str) -> None:
    run = right()
    wrong(run)
    verdict = check(run)
    assert verdict.findings()[finding] > 0
    assert any(told.startswith(finding) for told in verdict.shown)


def test_over_several_partitions_whichever_came_first_may_stand() -> None:
    moved = replace(LINES[2], address=(TOPIC, 1, 0))
    run = right()
    run.ledger = [*LINES[:2], moved, *LINES[3:]]
    run.on_topic = {one.address: one.sha256 for one in run.ledger}
    run.predicted[0] = row(moved)
    run.copies = {"files": [copy(moved), copy(LINES[1]), copy(LINES[5])]}
    run.plans["0"] = [plan(offsets={TOPIC: {"0": [0, 10], "1": [0, 5]}})]
    assert check(run).findings() == dict.fromkeys(FINDINGS, 0), check(run).shown


def test_a_copy_that_was_never_acknowledged_may_stand_if_it_is_on_the_topic() -> None:
    unheard = replace(LINES[0], address=(TOPIC, 0, 0))
    run = right()
    run.predicted[0] = row(unheard)
    run.on_topic[unheard.address] = unheard.sha256
    run.copies.clear()
    run.metrics[:] = [run.metrics[0] | {"events": 7, "repeated": 2}]
    assert check(run).findings() == dict.fromkeys(FINDINGS, 0), check(run).shown
    del run.on_topic[unheard.address]
    assert check(run).altered == 1


def test_a_gap_excuses_what_it_took_and_nothing_else() -> None:
    run = right()
    without_prediction(run)
    run.copies.clear()
    run.metrics[:] = [run.metrics[0] | {"events": 5, "scored": 2}]
    assert check(without_gaps(run, [(0, 6, 7)])).findings() == dict.fromkeys(FINDINGS, 0)
    assert check(without_gaps(run, [(0, 7, 9), (1, 6, 7)])).lost == 1


@pytest.mark.parametrize("name", INDEPENDENT)
def test_ledger_and_judge_know_nothing_of_the_product(name: str) -> None:
    tree = ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.split(".")[0] == "streaming"]
    within = {name.split(".")[1] for name in imported if name.startswith("faults.")}
    assert {f"{name}.py" for name in within} <= set(INDEPENDENT)
