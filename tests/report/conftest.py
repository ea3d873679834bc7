"""A story as a service would tell it: the real churn table, cut into batches, with a price rise from the middle on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streaming.local.telco import CATEGORICAL, DEFAULT_DATA, NUMERIC, load_telco, split
from streaming.metrics.records import Alert, Drift, FeatureDrift, Group, Metrics, Record, Reference
from streaming.metrics.sketches import Bins, Histogram, count, latency_sketch, merge
from streaming.models.artifact import Feature
from streaming.models.reference import freeze
from streaming.records import rfc3339
from streaming.report.story import Story, tell

BATCHES = 90
ROWS = 220
WINDOW = 5
SHIFT = BATCHES // 2
START = datetime(2026, 5, 4, 10, 41, 30, tzinfo=UTC)


class Identity(TypedDict):
    """What names a version in a record."""

    deployment: str
    model: str
    model_version: str


MODEL = Identity(deployment="churn_risk", model="churn", model_version="3")
SHA = "9f2c5d6e" * 8
REASONS = ("enum", "minimum", "required", "type", "json", "additionalProperties", "event_conflict", "depth")
KINDS: dict[str, Literal["numeric", "categorical"]] = {**dict.fromkeys(CATEGORICAL, "categorical"), **dict.fromkeys(NUMERIC, "numeric")}


def risk(frame: pd.DataFrame) -> np.ndarray:
    """A plausible score, shape (rows,), 0 to 1."""
    logit = 1.4 * (frame.contract == "Month-to-month") - 0.035 * frame.tenure + 0.02 * (frame.monthly_charges - 65) - 1.2
    return np.asarray(1 / (1 + np.exp(-logit)))


def shift(frame: pd.DataFrame) -> pd.DataFrame:
    """The population after a price rise, with many new month-to-month customers."""
    new = frame.copy()
    fresh = np.random.default_rng(5).random(len(new)) < 0.5
    new.loc[fresh, "contract"] = "Month-to-month"
    new.loc[fresh, "tenure"] = 1 + np.arange(int(fresh.sum())) % 6
    new["monthly_charges"] *= 1.15
    return new


def psi(then: Histogram, now: Histogram) -> float:
    """Population stability index, with a floor of 1e-4."""
    p, q = (np.maximum(np.asarray(h.counts) / max(sum(h.counts), 1), 1e-4) for h in (then, now))
    return float(np.sum((q - p) * np.log(q / p)))


def reference(training: pd.DataFrame) -> Reference:
    """The reference record of the training part."""
    frozen = {name: freeze(Feature(name, kind), pa.array(training[name], from_pandas=True)) for name, kind in KINDS.items()}
    score = freeze(Feature("score", "numeric"), pa.array(risk(training)))
    return Reference(
        id="churn/3", at=rfc3339(START - timedelta(seconds=1)), **MODEL, model_sha256=SHA,
        bins={name: one.bins for name, one in frozen.items()}, counts={name: one.counts for name, one in frozen.items()},
        score_bins=score.bins, score_counts=score.counts, trained_at="2026-05-04T09:12:44.000000Z",
    )  # fmt: skip


def metrics(number: int, rows: pd.DataFrame, bins: Reference) -> Metrics:
    """The metrics record of one batch: every row scored, and a few rejected beside them."""
    dice = np.random.default_rng(number)
    scores = risk(rows)
    reasons = {name: int(n) for name, n in zip(REASONS, dice.poisson([1.2, 0.9, 0.7, 0.6, 0.5, 0.3, 0.2, 0.1]), strict=True) if n}
    rejected = sum(reasons.values())
    at = START + timedelta(seconds=number * 0.8)
    group = Group(
        variant="champion", role="champion", model="churn", model_version="3", model_sha256=SHA, schema_version=1, scored=len(rows),
        features={name: count(bins.bins[name], pa.array(rows[name], from_pandas=True)) for name in KINDS},
        score=count(bins.score_bins, pa.array(scores)), score_sum=float(scores.sum()), score_sum_squares=float((scores**2).sum()),
    )  # fmt: skip
    return Metrics(
        id=f"q/{number}/0", at=rfc3339(at), now=rfc3339(at), deployment="churn_risk", stream="customer_activity", query_id="q",
        batch_id=number, chunk=0, chunks=1, plan_id=f"q/{number}", offsets={"customer_activity": {"0": [number * 230, number * 230 + 230]}},
        events=len(rows) + rejected, scored=len(rows), repeated=0, rejected=rejected, rejected_by_reason=reasons, groups=[group],
        latency_ms=latency_sketch(dice.lognormal(6.0 + 0.7 * (number == 30), 0.35, len(rows))), parts_ms={"job": 180.0},
        duration_ms=320.0, events_per_s=690.0,
    )  # fmt: skip


def feature_drift(bins: Bins, then: Histogram, now: Histogram, since: str | None) -> FeatureDrift:
    """The verdict on a histogram; `since` counts only where it is drifted."""
    assert len(then.counts) == bins.size
    value = psi(then, now)
    return FeatureDrift("psi", value, 0.2, value > 0.2, since if value > 0.2 else None, now)


def drift(batches: list[Metrics], bins: Reference, since: str) -> Drift:
    """The verdict on the window that these batches make."""
    features = {name: merge(batch.groups[0].features[name] for batch in batches) for name in KINDS}
    score = merge(batch.groups[0].score for batch in batches)
    return Drift(
        id=f"d/{batches[0].batch_id}", at=batches[-1].at, **MODEL, window_start=batches[0].now, window_end=batches[-1].now,
        events=score.total, features={n: feature_drift(bins.bins[n], bins.counts[n], h, since) for n, h in features.items()},
        score=feature_drift(bins.score_bins, bins.score_counts, score, since),
    )  # fmt: skip


def alert(verdict: Drift, feature: str, found: FeatureDrift) -> Alert:
    """The alert of a feature that drifted in a window."""
    return Alert(
        id=f"a/{feature}", at=verdict.at, state="raised", kind="input_drift", **MODEL, feature=feature, measure="psi",
        value=found.value, threshold=found.threshold, since=found.since or "", window_start=verdict.window_start,
        window_end=verdict.window_end, events=verdict.events, message=f"{feature} drifted",
    )  # fmt: skip


@pytest.fixture(scope="session")
def records() -> list[Record]:
    """Every record of a run in which four features drift from the middle on."""
    return build()


def build() -> list[Record]:
    """The records behind the fixture."""
    training, held_out = split(load_telco(Path(__file__).parents[2] / DEFAULT_DATA))
    bins = reference(training)
    told: list[Record] = [bins]
    batches: list[Metrics] = []
    alerted: set[str] = set()
    since = rfc3339(START + timedelta(seconds=SHIFT * 0.8))
    for number in range(BATCHES):
        rows = held_out.sample(ROWS, random_state=number)
        batches.append(metrics(number, shift(rows) if number >= SHIFT else rows, bins))
        told.append(batches[-1])
        if (number + 1) % WINDOW == 0:
            verdict = drift(batches[-WINDOW:], bins, since)
            drifted = {name: found for name, found in verdict.features.items() if found.drifted and name not in alerted}
            told += [verdict, *(alert(verdict, name, found) for name, found in drifted.items())]
            alerted |= drifted.keys()
    return told


@pytest.fixture
def story(records: list[Record]) -> Story:
    """The story that the records tell."""
    story = Story()
    for record in records:
        tell(story, record)
    return story
