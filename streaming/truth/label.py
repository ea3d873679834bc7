"""What a label says, as it lies on the topic of labels (schemas/label/v1.json)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec

from streaming.errors import ScoringError
from streaming.records import rfc3339

Value = bool | int | float | str


class InvalidLabel(ScoringError):
    """A label cannot be used: the message says what it lacks; mend whoever sends it, and send it again."""


class Label(msgspec.Struct, frozen=True, tag="label", tag_field="record", omit_defaults=True):
    """What came, of one prediction: named by its id, or by the entity and the time of the outcome.

    Times are RFC 3339 texts with a zone.
    """

    label: Value
    """true or false, an amount, or the name of a class"""
    observed_at: str
    """when it became known; of two labels of a prediction the one observed later counts"""
    deployment: str
    prediction_id: str | None = None
    entity_id: str | None = None
    outcome_at: str | None = None
    """when it came true, or could be seen not to: by the end of the horizon after the prediction"""
    id: str | None = None
    """the same label sent again has the same id; without one, equal labels are the same label"""
    weight: float = 1.0
    acted: bool | None = None
    """whether the customer was acted upon because of the prediction, where that is known"""
    partial: bool = False
    """not final yet: kept, counted, and in no figure until a final one comes"""
    source: str = ""
    version: Literal[1] = 1


class Checked(msgspec.Struct, frozen=True):
    """A label as the store takes it: exactly one of number and name is set; prediction_id, or entity_id and outcome_at."""

    label_id: str
    deployment: str
    prediction_id: str | None
    entity_id: str | None
    outcome_at: datetime | None
    observed_at: datetime
    number: float | None
    name: str | None
    weight: float
    acted: bool | None
    partial: bool
    source: str


_DECODER = msgspec.json.Decoder(Label)


def decode(value: bytes | None, deployment: str) -> Checked:
    """A message as a label. Raises InvalidLabel, one line, for one that is none."""
    try:
        return check(_DECODER.decode(value or b""), deployment)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidLabel(f"not a label: {str(error)[:200]}; see schemas/label/v1.json") from None


def encode(label: Label) -> bytes:
    """A label as a message; defaults are left out, `version` and `record` are not."""
    return msgspec.json.encode({"record": "label", "version": label.version} | msgspec.to_builtins(label))


def check(label: Label, deployment: str) -> Checked:
    """A label with its times and its prediction's name in order. Raises InvalidLabel.

    deployment: the one whose labels these are; another's is refused.
    """
    if label.deployment != deployment:
        raise InvalidLabel(f"the label is for deployment {label.deployment!r}; expected {deployment!r}: send it to that one's topic")
    outcome_at = None if label.outcome_at is None else _time("outcome_at", label.outcome_at)
    prediction_id = None if label.prediction_id is None else _uuid(label.prediction_id)
    if prediction_id is None and (not label.entity_id or outcome_at is None):
        raise InvalidLabel("the label names no prediction; expected prediction_id, or entity_id and outcome_at")
    if not (math.isfinite(label.weight) and label.weight > 0):
        raise InvalidLabel(f"weight is {label.weight}; expected a number above 0")
    if isinstance(label.label, float) and not math.isfinite(label.label):
        raise InvalidLabel(f"label is {label.label}; expected a finite amount")
    if isinstance(label.label, str) and not label.label:
        raise InvalidLabel("label is an empty text; expected true, false, a number or the name of a class")
    number = None if isinstance(label.label, str) else float(label.label)
    name = label.label if isinstance(label.label, str) else None
    observed_at = _time("observed_at", label.observed_at)
    key = label.id or digest(label)
    return Checked(
        key, deployment, prediction_id, label.entity_id, outcome_at, observed_at, number, name, label.weight, label.acted, label.partial,
        label.source,
    )  # fmt: skip


def digest(label: Label) -> str:
    """What stands for the id of a label that has none: of all that it says, so that equal labels are one.

    >>> one = Label(True, "2026-01-02T00:00:00Z", "churn_risk", entity_id="C1", outcome_at="2026-01-01T00:00:00Z")
    >>> digest(one) == digest(msgspec.structs.replace(one)), digest(one) == digest(msgspec.structs.replace(one, label=False))
    (True, False)
    """
    return sha256(encode(label)).hexdigest()


def moment(text: str) -> str:
    """A time as our labels write it: a date is its midnight in UTC, a time without a zone is UTC. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return rfc3339(found if found.tzinfo else found.replace(tzinfo=UTC))


def _time(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidLabel(f"{name} is {text[:60]!r}; expected a time such as 2026-01-02T03:04:05Z") from None
    if found.tzinfo is None:
        raise InvalidLabel(f"{name} {text} has no zone; write Z for UTC")
    return found


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidLabel(f"prediction_id is {text[:60]!r}; expected a UUID as predictions have") from None
