"""What the scoring job tells of itself: the figures that Prometheus reads, and a line a batch."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from tests_support import a_plan

from streaming.metrics.records import Metrics
from streaming.metrics.sketches import Histogram, latency_sketch
from streaming.metrics.tally import Tally
from streaming.micro_batch.gather import metrics_record
from streaming.service.scoring_figures import ScoringFigures


def a_record(**changes: object) -> Metrics:
    tally = Tally(
        events=7,
        scored=4,
        repeated=1,
        rejected_by_reason={"minimum": 1, "json": 1},
        rejected_by_producer={"crm": 2},
        rejected_by_schema_version={"1": 1, "unknown": 1},
        replayed={"scored": 1},
        score=Histogram([4]),
        latency_ms=latency_sketch([90.0, 90.0, 450.0, 2500.0]),
        parts_ms={"score": 20.0},
        waited_s=1.5,
    )
    return msgspec.structs.replace(metrics_record(a_plan(), tally, duration_ms=250.0), **changes)


class Told:
    """The figures, and what a scrape of them reads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.figures = ScoringFigures(self._registry)

    def all(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Name and labels → value."""
        families = text_string_to_metric_families(generate_latest(self._registry).decode())
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}

    def figure(self, name: str, **labels: str) -> float:
        return self.all()[name, tuple(sorted(labels.items()))]


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_batch_is_one_line(told: Told) -> None:
    with capture_logs() as logs:
        told.figures.add(a_record())
    (line,) = logs
    assert (line["event"], line["events"], line["scored"], line["repeated"], line["rejected"]) == ("batch", 7, 4, 1, 2)
    assert (line["duration_ms"], line["parts_ms"]) == (250.0, {"score": 20.0})


def test_the_figures_are_those_of_the_records_added_up(told: Told) -> None:
    for _ in range(2):
        told.figures.add(a_record())
    assert {o: told.figure("scoring_events_total", outcome=o) for o in ("scored", "repeated", "rejected")} == {
        "scored": 8,
        "repeated": 2,
        "rejected": 4,
    }
    assert told.figure("scoring_rejected_total", reason="minimum") == 2
    assert told.figure("scoring_batch_seconds_count") == 2
    assert told.figure("scoring_batch_seconds_sum") == pytest.approx(0.5)
    assert told.figure("scoring_batch_part_seconds", part="score") == pytest.approx(0.02)
    assert told.figure("scoring_sink_wait_seconds_total") == 3


def test_latencies_fall_into_the_buckets_they_belong_to(told: Told) -> None:
    told.figures.add(a_record())
    cumulated = {float(dict(labels)["le"]): n for (name, labels), n in told.all().items() if name == "scoring_latency_seconds_bucket"}
    assert {at: cumulated[at] for at in (0.05, 0.1, 0.4, 0.5, 2, 3, float("inf"))} == {
        0.05: 0,
        0.1: 2,
        0.4: 2,
        0.5: 3,
        2: 3,
        3: 4,
        float("inf"): 4,
    }


def test_only_the_versions_of_the_last_batch_are_told_as_serving(told: Told) -> None:
    (group,) = a_record().groups
    told.figures.add(a_record())
    both = [msgspec.structs.replace(group, model_version=version) for version in ("2", "3")]
    told.figures.add(a_record(groups=both))
    versions = {dict(labels)["version"] for name, labels in told.all() if name == "scoring_model_info"}
    assert versions == {"2", "3"}
    told.figures.add(a_record(groups=[]))
    assert told.figure("scoring_model_info", model="churn", version="3") == 1, "a batch without scores does not unseat the model"


def test_rejections_are_told_by_producer_and_version_and_replays_by_outcome(told: Told) -> None:
    told.figures.add(a_record())
    assert told.figure("scoring_rejected_by_producer_total", producer="crm") == 2
    assert told.figure("scoring_rejected_by_schema_version_total", schema_version="unknown") == 1
    assert told.figure("scoring_replayed_total", outcome="scored") == 1


def test_producers_that_name_themselves_anew_get_no_more_room(told: Told) -> None:
    for n in range(60):
        told.figures.add(a_record(rejected_by_producer={f"p{n}": 1, "p0": 1}))
    producers = {labels: value for (name, labels), value in told.all().items() if name == "scoring_rejected_by_producer_total"}
    assert len(producers) == 21
    assert sum(producers.values()) == 119
    assert producers[("producer", "p0"),] == 60
    assert producers[("producer", "other"),] == 40
