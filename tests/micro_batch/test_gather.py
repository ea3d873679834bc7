"""From tallies to records: the same counts however a batch was cut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import jsonschema_rs
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from churn_model import churn_artifact, churn_model, churn_plan, event_batch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests_support import a_plan

from streaming.contracts.schema import Contract, parse_contract, read_schema
from streaming.metrics.records import Metrics, Reference, decode, encode
from streaming.metrics.sketches import latency_sketch
from streaming.metrics.tally import Tally, merge_tallies
from streaming.micro_batch.gather import metrics_record, reference_record
from streaming.steps.observe import Observe
from streaming.steps.score import Score

SCHEMAS = Path(__file__).parents[2] / "schemas"
ROWS = 60
COUNTS = ("events", "scored", "repeated", "rejected", "rejected_by_reason", "latency_ms", "offsets")


def scored() -> pa.RecordBatch:
    return Score(churn_model())(event_batch(ROWS), churn_plan()).rows


def tally_of(rows: pa.RecordBatch) -> Tally:
    """What a task counts of these rows: every fifth is a rejection, every seventh a repeat."""
    observed = Observe(churn_model().manifest)(rows, churn_plan()).observed
    offsets = rows.column("source_offset").to_numpy()
    return Tally(
        events=rows.num_rows,
        scored=rows.num_rows,
        repeated=int(np.sum(offsets % 7 == 0)),
        rejected_by_reason={reason: n for reason, n in {"json": int(np.sum(offsets % 5 == 0))}.items() if n},
        features=observed["features"],  # type: ignore[arg-type]
        score=observed["score"],  # type: ignore[arg-type]
        score_sum=observed["score_sum"],  # type: ignore[arg-type]
        latency_ms=latency_sketch(offsets * 37.0),
        parts_ms={"score": 1.0},
    )


def parts(rows: pa.RecordBatch, cuts: set[int]) -> Iterator[pa.RecordBatch]:
    bounds = [0, *sorted(cuts), rows.num_rows]
    return (rows.slice(a, b - a) for a, b in pairwise(bounds))


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(1, ROWS - 1), max_size=12), order=st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_how_the_batch_was_cut(cuts: set[int], order: object) -> None:
    rows = scored()
    tallies = [tally_of(part) for part in parts(rows, cuts)]
    order.shuffle(tallies)  # type: ignore[attr-defined]
    whole, cut = (metrics_record(churn_plan(), t, duration_ms=10) for t in (tally_of(rows), merge_tallies(tallies)))

    assert {name: getattr(cut, name) for name in COUNTS} == {name: getattr(whole, name) for name in COUNTS}
    assert (cut.groups[0].features, cut.groups[0].score) == (whole.groups[0].features, whole.groups[0].score)
    assert cut.groups[0].score_sum == pytest.approx(whole.groups[0].score_sum, rel=1e-12)
    assert whole.groups[0].score.total == whole.scored == ROWS


def test_a_record_names_batch_plan_and_version() -> None:
    record = metrics_record(a_plan(batch_id=7, plan_id="q/7"), Tally(events=50, scored=1), duration_ms=200)
    assert (record.id, record.plan_id, record.query_id, record.batch_id, record.chunk, record.chunks) == ("q/7/0", "q/7", "q", 7, 0, 1)
    assert (record.deployment, record.stream, record.now) == ("churn_risk", "customer_activity", "2026-01-02T12:00:00.000000Z")
    assert record.offsets == {"customer_activity": {"0": [0, 10]}}
    assert (record.events_per_s, record.duration_ms) == (250.0, 200)
    (group,) = record.groups
    assert (group.variant, group.role, group.model, group.model_version, group.model_sha256) == (
        "champion",
        "champion",
        "churn",
        "1",
        "0" * 64,
    )
    assert datetime.fromisoformat(record.at).tzinfo == UTC


def test_a_replay_has_the_id_of_the_first_attempt() -> None:
    first, again = (metrics_record(a_plan(), Tally(events=n), duration_ms=1) for n in (1, 2))
    assert first.id == again.id
    assert metrics_record(a_plan(plan_id="q/1", batch_id=1), Tally(), duration_ms=1).id != first.id


def test_a_batch_that_scored_nothing_names_what_it_was_planned_with_and_counts_its_rejections() -> None:
    record = metrics_record(a_plan(), Tally(events=3, rejected_by_reason={"json": 1, "type": 2}), duration_ms=0)
    assert [(group.model_version, group.schema_version, group.scored) for group in record.groups] == [("1", 1, 0)]
    assert (record.events, record.scored, record.rejected) == (3, 0, 3)


def contract(**drift: dict[str, float]) -> Contract:
    """The contract of the events, with words for the drift of some fields."""
    document = read_schema(SCHEMAS / "customer_activity" / "v1.json")
    properties = {name: spec | ({"x-drift": drift[name]} if name in drift else {}) for name, spec in document["properties"].items()}
    return parse_contract({**document, "properties": properties}, "customer_activity", 1, "v1")


def test_the_reference_holds_the_frozen_bins_and_counts_of_the_exact_version() -> None:
    manifest = churn_artifact().manifest
    record = reference_record(churn_plan(), manifest, contract(tenure={"threshold": 0.3}, customer_id={"threshold": 0.4}))
    assert record.id == f"reference/churn_risk/churn/7/{manifest.sha256}"
    assert set(record.bins) == set(record.counts) == set(churn_model().features)
    assert record.bins["tenure"] == manifest.distributions["tenure"].bins
    assert record.counts["tenure"].total == manifest.training_rows
    assert (record.score_bins, record.score_counts) == (manifest.score.bins, manifest.score.counts)
    assert record.trained_at == manifest.trained_at
    assert record.thresholds == {"tenure": 0.3}, "of features alone"


def test_live_counts_lie_over_the_bins_of_the_reference() -> None:
    record, reference = (
        metrics_record(churn_plan(), tally_of(scored()), duration_ms=1),
        reference_record(churn_plan(), churn_artifact().manifest, contract()),
    )
    live = record.groups[0]
    assert {name: len(h.counts) for name, h in live.features.items()} == {name: bins.size for name, bins in reference.bins.items()}
    assert len(live.score.counts) == reference.score_bins.size


@pytest.mark.parametrize("kind", ["metrics", "reference"])
def test_records_keep_to_their_published_schema(kind: str) -> None:
    records: dict[str, Metrics | Reference] = {
        "metrics": metrics_record(churn_plan(), tally_of(scored()), duration_ms=1),
        "reference": reference_record(churn_plan(), churn_artifact().manifest, contract(tenure={"threshold": 0.3})),
    }
    record = records[kind]
    schema = jsonschema_rs.Draft202012Validator(read_schema(SCHEMAS / kind / f"v{record.version}.json"), validate_formats=True)
    assert [error.message for error in schema.iter_errors(msgspec.json.decode(encode(record)))] == []
    assert decode(encode(record)) == record
