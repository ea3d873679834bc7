"""Values that many tests need."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import Any

import msgspec

from streaming.models.plan import Plan, PlannedModel

PLAN = Plan(
    plan_id="q/0",
    query_id="q",
    batch_id=0,
    stream="customer_activity",
    deployment="churn_risk",
    schema_version=1,
    champion=PlannedModel(variant="champion", role="champion", name="churn", version="1", sha256="0" * 64),
    now=datetime(2026, 1, 2, 12, tzinfo=UTC),
    allowed_skew_s=300,
    max_event_bytes=1_048_576,
    tasks=1,
    offsets={"customer_activity": {"0": [0, 10]}},
    release="test",
)


def a_plan(**changes: Any) -> Plan:
    """A plan like any other, with some fields changed."""
    return msgspec.structs.replace(PLAN, **changes)


def as_from_a_terminal() -> None:
    """For Popen's preexec_fn: a run started in the background of a shell ignores Ctrl-C, and its children would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
