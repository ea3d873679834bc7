"""What a plan holds, and what a revision of it changes."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from churn_model import churn_artifact

from streaming.errors import ContractError
from streaming.micro_batch.planner import Ready, check_contracts, new_plan, revised_plan
from streaming.models.deployment import Deployment, Served
from streaming.models.plan import Plan, PlannedModel
from streaming.settings import Stream

DEPLOYMENT = Deployment(name="churn_risk", event="customer_activity", schema_version=1, champion=Served(model="churn"))
STREAM = Stream(checkpoint="c", events_per_task=1000, allowed_skew_s=60, max_event_bytes=9)
READY = Ready(PlannedModel("champion", "champion", "churn", "1", churn_artifact().manifest.sha256), churn_artifact())


def plan_of(offsets: dict[str, dict[str, list[int]]]) -> Plan:
    return new_plan(query_id="q", batch_id=5, deployment=DEPLOYMENT, stream=STREAM, ready=READY, offsets=offsets, cores=4)


def test_a_revision_of_a_plan_has_a_name_of_its_own() -> None:
    first = plan_of({"customer_activity": {"0": [0, 10]}})
    second = revised_plan(first, champion=msgspec.structs.replace(READY.planned, version="2"))
    third = revised_plan(second)
    assert [(plan.plan_id, plan.revision, plan.champion.version) for plan in (first, second, third)] == [
        ("q/5", 0, "1"),
        ("q/5/r1", 1, "2"),
        ("q/5/r2", 2, "2"),
    ]
    assert (third.now, third.tasks, third.offsets) == (first.now, first.tasks, first.offsets)


def test_a_revision_replaces_what_it_is_given_and_adds_ids() -> None:
    first = plan_of({})
    second = revised_plan(revised_plan(first, unknown_ids=["7", "5"]), contracts={"2": "b"}, unknown_ids=["6"])
    assert (second.unknown_ids, second.contracts, second.champion) == (("5", "6", "7"), {"2": "b"}, first.champion)


def test_schemas_that_changed_or_went_are_told() -> None:
    plan = msgspec.structs.replace(plan_of({}), contracts={"1": "a", "2": "b"})
    check_contracts(plan, {"1": "a", "2": "b", "3": "c"})
    with pytest.raises(ContractError, match=r"customer_activity/v2 is another than it was when plan q/5 was made"):
        check_contracts(plan, {"1": "a", "2": "x"})
    with pytest.raises(ContractError, match=r"customer_activity/v1 is gone that was there when plan q/5 was made"):
        check_contracts(plan, {"2": "b"})


def test_a_plan_takes_what_changes_results_from_deployment_stream_and_version() -> None:
    before = datetime.now(UTC)
    offsets = {"customer_activity": {"0": [0, 10]}}
    plan = plan_of(offsets)
    assert (plan.plan_id, plan.query_id, plan.batch_id, plan.stream, plan.deployment) == ("q/5", "q", 5, "customer_activity", "churn_risk")
    assert (plan.champion, plan.schema_version) == (READY.planned, 1)
    assert (plan.allowed_skew_s, plan.max_event_bytes, plan.score_limit_s, plan.offsets) == (60, 9, 10, offsets)
    assert before <= plan.now <= datetime.now(UTC)
    assert plan.release


@pytest.mark.parametrize(
    ("ranges", "tasks"),
    [
        ({"0": [0, 1]}, 1),
        ({"0": [7, 7]}, 1),
        ({"0": [0, 1000]}, 1),
        ({"0": [0, 1001]}, 2),
        ({"0": [0, 1500], "1": [100, 1600]}, 3),
        ({"0": [0, 100_000]}, 4),
        ({"0": [-1, 50]}, 4),
        ({"0": [0, 10], "1": [-1, 5]}, 1),
    ],
    ids=str,
)
def test_as_many_tasks_as_pay(ranges: dict[str, list[int]], tasks: int) -> None:
    assert plan_of({"customer_activity": ranges}).tasks == tasks
