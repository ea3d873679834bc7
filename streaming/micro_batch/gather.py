"""From the tallies of a batch's tasks to the records for the metrics topic."""

from __future__ import annotations

from datetime import UTC, datetime

from streaming.contracts.schema import Contract
from streaming.metrics.estimate_records import Calibration
from streaming.metrics.records import Group, Metrics, Reference
from streaming.metrics.sketches import Histogram
from streaming.metrics.tally import Tally, bounded
from streaming.models.artifact import Manifest
from streaming.models.plan import Plan
from streaming.records import rfc3339

MOST_NAMES = 20  # producers, and schema versions, that a record tells apart


def metrics_record(plan: Plan, tally: Tally, *, duration_ms: float) -> Metrics:
    """The one metrics record of a micro-batch. Counts do not depend on how the batch was cut into tasks."""
    return Metrics(
        id=f"{plan.query_id}/{plan.batch_id}/0",  # of the batch, not of the plan: a revision counts no event twice
        at=rfc3339(datetime.now(UTC)),
        now=rfc3339(plan.now),
        deployment=plan.deployment,
        stream=plan.stream,
        query_id=plan.query_id,
        batch_id=plan.batch_id,
        chunk=0,
        chunks=1,
        plan_id=plan.plan_id,
        offsets=plan.offsets,
        events=tally.events,
        scored=tally.scored,
        repeated=tally.repeated,
        rejected=tally.rejected,
        rejected_by_reason=tally.rejected_by_reason,
        groups=[_group(plan, tally)],
        latency_ms=tally.latency_ms,
        parts_ms={name: round(ms, 3) for name, ms in tally.parts_ms.items()},
        duration_ms=round(duration_ms, 3),
        events_per_s=round(tally.events / max(duration_ms, 0.001) * 1000, 3),
        waited_s=round(tally.waited_s, 3),
        rejected_by_producer=bounded(tally.rejected_by_producer, MOST_NAMES),
        rejected_by_schema_version=bounded(tally.rejected_by_schema_version, MOST_NAMES),
        replayed=tally.replayed,
    )


def _group(plan: Plan, tally: Tally) -> Group:
    champion = plan.champion
    return Group(
        variant=champion.variant,
        role=champion.role,
        model=champion.name,
        model_version=champion.version,
        model_sha256=champion.sha256,
        schema_version=plan.schema_version,
        scored=tally.scored,
        features=tally.features,
        score=tally.score or Histogram([]),
        score_sum=tally.score_sum,
        score_sum_squares=tally.score_sum_squares,
        quantiles=tally.quantiles,
        score_quantiles=tally.score_quantiles,
        slices=tally.slices,
    )


def reference_record(plan: Plan, manifest: Manifest, contract: Contract) -> Reference:
    """What the drift job compares with: the frozen bins and training counts of the version that serves, and the schema's thresholds."""
    champion = plan.champion
    return Reference(
        id=f"reference/{plan.deployment}/{champion.name}/{champion.version}/{champion.sha256}",
        at=rfc3339(datetime.now(UTC)),
        deployment=plan.deployment,
        model=champion.name,
        model_version=champion.version,
        model_sha256=champion.sha256,
        bins={name: known.bins for name, known in manifest.distributions.items()},
        counts={name: known.counts for name, known in manifest.distributions.items()},
        score_bins=manifest.score.bins,
        score_counts=manifest.score.counts,
        trained_at=manifest.trained_at,
        thresholds={name: drift["threshold"] for name, drift in _drift_words(contract).items() if name in manifest.distributions},
        quantiles={name: known.quantiles for name, known in manifest.distributions.items() if known.quantiles},
        score_quantiles=manifest.score.quantiles,
        importance=manifest.importance,
        owner=contract.owner,
        owners={field.name: field.words.owner for field in contract.fields if field.words.owner and field.name in manifest.distributions},
        slices={name: counts for column in manifest.slices.values() for name, counts in column.items()},
    )


def calibration_record(plan: Plan, manifest: Manifest) -> Calibration | None:
    """The labelled reference of the version that serves, None where its manifest holds none: then nothing is estimated."""
    champion, cells = plan.champion, manifest.calibration
    if cells is None:
        return None
    return Calibration(
        id=f"calibration/{plan.deployment}/{champion.name}/{champion.version}/{champion.sha256}",
        at=rfc3339(datetime.now(UTC)),
        deployment=plan.deployment,
        model=champion.name,
        model_version=champion.version,
        model_sha256=champion.sha256,
        cells=cells,
    )


def _drift_words(contract: Contract) -> dict[str, dict[str, float]]:
    return {field.name: field.words.drift for field in contract.fields if field.words.drift and "threshold" in field.words.drift}
