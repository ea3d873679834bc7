"""The plan of a micro-batch: everything but the events' bytes that an outcome depends on."""

from __future__ import annotations

from datetime import datetime

import msgspec

from streaming.errors import SkewedPlan

PLAN_VERSION = 1
Offsets = dict[str, dict[str, list[int]]]
"""topic → partition → [first offset, offset after the last]"""


class PlannedModel(msgspec.Struct, frozen=True):
    """An exact version that scores in this plan. `sha256` is of the model file's bytes."""

    variant: str
    role: str
    name: str
    version: str
    sha256: str


class Plan(msgspec.Struct, frozen=True):
    """Written before the batch is scored, found again when the batch is replayed."""

    plan_id: str
    query_id: str
    batch_id: int
    stream: str
    deployment: str
    schema_version: int
    champion: PlannedModel
    now: datetime
    allowed_skew_s: float
    max_event_bytes: int
    tasks: int
    offsets: Offsets
    release: str
    revision: int = 0
    """above 0: it replaces a plan of this batch that could not be carried out"""
    replay_topic: str = ""
    """rows of this topic are known by the address that their headers name; empty in plans of before there was one"""
    contracts: dict[str, str] = {}
    """version → sha256 of each schema that events are held to; empty, as in plans of before: every version that is there"""
    unknown_ids: tuple[str, ...] = ()
    """schema ids that the registry did not know when the batch was decided"""
    score_limit_s: float = 0
    """longest that the model may take for a batch or for a row alone; 0, as in plans of before there was one: no limit"""
    version: int = PLAN_VERSION


def encode(plan: Plan) -> str:
    """A plan as JSON text."""
    return msgspec.json.encode(plan).decode()


def decode(text: str) -> Plan:
    """A plan from its JSON text. Raises SkewedPlan if this release cannot read it."""
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError as error:
        raise SkewedPlan(f"a plan in the plan log cannot be read: {error}; start with the release that wrote it") from None
    if plan.version != PLAN_VERSION:
        raise SkewedPlan(f"a plan of version {plan.version} in the plan log; this release reads version {PLAN_VERSION}")
    return plan
