"""The records on the alerts topic: alerts, and what people say to them. Their JSON Schemas lie in schemas/<record>/v<N>.json."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["info", "warning", "critical"]


class Alert(msgspec.Struct, frozen=True, tag="alert", tag_field="record"):
    """Something a person should look at; on the alerts topic. Raised once when a feature drifts, resolved once after.

    Resolved: within the threshold for two windows in a row; `value` and `window_*` are those of the last one.
    """

    id: str
    at: str
    state: Literal["raised", "resolved"]
    kind: Literal["input_drift", "output_drift", "rejection_rate", "new_reason", "joint_drift", "concept_drift", "quality", "fairness"]
    """rejection_rate and new_reason (since version 2) are about a deployment, without a model; those behind them since version 3"""
    deployment: str
    model: str
    model_version: str
    feature: str
    """the feature's name, or "score"; the reason that is new, or "rejected" """
    measure: str
    value: float
    threshold: float
    since: str
    window_start: str
    window_end: str
    events: int
    message: str
    severity: Severity = "warning"
    owner: str = ""
    """who answers for it, as the contract says; empty where it says nothing"""
    first_seen: str | None = None
    """when the first alert of this run was raised: end of its window"""
    changed_at: str | None = None
    """likeliest time of the change, RFC 3339; null where it was not looked for"""
    evidence: dict[str, float] = {}
    """figures that tell it, by name"""
    suggestion: str = ""
    slice: str = ""
    """the "column=value" that it is about; empty: all events"""
    version: int = 3


class Silence(msgspec.Struct, frozen=True, tag="silence", tag_field="record"):
    """Somebody asks not to be told of an alert for a while; on the alerts topic. Empty texts stand for any."""

    id: str
    at: str
    until: str
    """the same as `at` ends a silence that was asked for before"""
    deployment: str
    feature: str
    kind: str
    slice: str
    by: str
    reason: str
    version: int = 1


class Acknowledgement(msgspec.Struct, frozen=True, tag="acknowledgement", tag_field="record"):
    """Somebody has seen an alert and looks after it; on the alerts topic."""

    id: str
    at: str
    deployment: str
    alert: str
    """id of the alert"""
    by: str
    note: str
    version: int = 1
