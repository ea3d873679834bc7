"""Health over real HTTP: ready, not ready, and the figures for Prometheus."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests_support import a_plan

from streaming import health
from streaming.config import Http
from streaming.errors import ConfigError
from streaming.gather import metrics_record
from streaming.health import Health
from streaming.metrics.records import Metrics
from streaming.metrics.sketches import Histogram, latency_sketch
from streaming.metrics.tally import Tally


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


class Served:
    """A job's health behind a real server on a free port."""

    def __init__(self, health: Health, port: int) -> None:
        self.health, self.port = health, port

    def get(self, path: str) -> tuple[int, str, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers["Content-Type"]

    def figures(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Name and labels → value."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}

    def figure(self, name: str, **labels: str) -> float:
        return self.figures()[name, tuple(sorted(labels.items()))]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    job = Health("score_events")
    with health.served(job, Http(port_file=tmp_path / "run"), 0) as port:
        yield Served(job, port)


def test_the_port_taken_is_written_where_tools_look_for_it(served: Served, tmp_path: Path) -> None:
    assert (tmp_path / "run" / "score_events.port").read_text() == f"{served.port}\n"


def test_a_job_that_ends_frees_its_port_and_takes_its_file_away(tmp_path: Path) -> None:
    for _ in range(2):
        with health.served(Health("score_events"), Http(port_file=tmp_path), 0) as port:
            assert port
        assert not list(tmp_path.iterdir())
    with health.served(Health("score_events"), Http(), port):
        pass


def test_a_port_that_is_taken_is_told_in_one_line(served: Served) -> None:
    with (
        pytest.raises(ConfigError, match=rf"http.detect_drift_port: 127.0.0.1:{served.port} cannot be served .*; end what holds it"),
        health.served(Health("detect_drift"), Http(), served.port),
    ):
        pass


def test_alive_from_the_start_and_ready_only_when_the_query_runs(served: Served) -> None:
    assert served.get("/livez")[:2] == (200, "live\n")
    assert served.get("/readyz")[:2] == (503, "starting\n")
    served.health.ready()
    assert served.get("/readyz")[:2] == (200, "ready\n")


def test_what_is_away_is_named_until_the_query_runs_again(served: Served) -> None:
    served.health.ready()
    served.health.away("the broker is away")
    assert served.get("/readyz")[:2] == (503, "the broker is away\n")
    served.health.ready()
    assert served.get("/readyz")[0] == 200
    assert served.figure("scoring_query_restarts_total") == 1


def test_a_stuck_batch_is_not_ready_and_its_end_mends_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.health.ready()
    served.health.batch_began()
    assert served.get("/readyz")[0] == 200
    monkeypatch.setattr(health, "STUCK_S", 0.01)
    time.sleep(0.02)
    status, told, _ = served.get("/readyz")
    assert (status, told.startswith("a micro-batch has run for")) == (503, True)
    assert served.figure("scoring_batch_running_seconds") > 0.01
    served.health.batch_ended(None)
    assert served.get("/readyz")[0] == 200
    assert served.figure("scoring_batch_running_seconds") == 0


def test_a_batch_that_ends_while_it_is_looked_at_is_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Health("score_events")
    job.ready()

    def clock() -> float:
        """The other thread's batch ends in the moment between the look at its start and the look at the clock."""
        job.batch_ended()
        return 1e6

    monkeypatch.setattr(job, "_since", 1e6 - 1)
    monkeypatch.setattr(health.time, "monotonic", clock)
    assert job.not_ready() == ""
    monkeypatch.setattr(job, "_since", 1e6 - 1)
    assert job.registry.get_sample_value("scoring_batch_running_seconds") == 1


def test_a_watch_that_ended_is_not_ready(served: Served) -> None:
    watched = [True]
    served.health.ready()
    assert "scoring_model_watch_alive" not in served.get("/metrics")[1], "a job without a model has no such figure"
    served.health.follows(lambda: watched[0])
    assert (served.get("/readyz")[0], served.figures()["scoring_model_watch_alive", ()]) == (200, 1)
    watched[0] = False
    status, reason, _ = served.get("/readyz")
    assert (status, served.figures()["scoring_model_watch_alive", ()]) == (503, 0)
    assert "model watch ended" in reason


def test_the_figures_are_those_of_the_records_added_up(served: Served) -> None:
    for _ in range(2):
        served.health.batch_ended(a_record())
    assert {o: served.figure("scoring_events_total", outcome=o) for o in ("scored", "repeated", "rejected")} == {
        "scored": 8,
        "repeated": 2,
        "rejected": 4,
    }
    assert served.figure("scoring_rejected_total", reason="minimum") == 2
    assert served.figure("scoring_batch_seconds_count") == 2
    assert served.figure("scoring_batch_seconds_sum") == pytest.approx(0.5)
    assert served.figure("scoring_batch_part_seconds", part="score") == pytest.approx(0.02)
    assert served.figure("scoring_sink_wait_seconds_total") == 3
    assert "text/plain" in served.get("/metrics")[2]


def test_latencies_fall_into_the_buckets_they_belong_to(served: Served) -> None:
    served.health.batch_ended(a_record())
    cumulated = {float(dict(labels)["le"]): n for (name, labels), n in served.figures().items() if name == "scoring_latency_seconds_bucket"}
    assert {at: cumulated[at] for at in (0.05, 0.1, 0.4, 0.5, 2, 3, float("inf"))} == {
        0.05: 0,
        0.1: 2,
        0.4: 2,
        0.5: 3,
        2: 3,
        3: 4,
        float("inf"): 4,
    }


def test_only_the_versions_of_the_last_batch_are_told_as_serving(served: Served) -> None:
    (group,) = a_record().groups
    served.health.batch_ended(a_record())
    both = [msgspec.structs.replace(group, model_version=version) for version in ("2", "3")]
    served.health.batch_ended(a_record(groups=both))
    versions = {dict(labels)["version"] for name, labels in served.figures() if name == "scoring_model_info"}
    assert versions == {"2", "3"}
    served.health.batch_ended(a_record(groups=[]))
    assert served.figure("scoring_model_info", model="churn", version="3") == 1, "a batch without scores does not unseat the model"


def test_another_path_is_not_found_and_the_real_ones_are_named(served: Served) -> None:
    assert served.get("/")[:2] == (404, "/metrics /livez /readyz\n")


def test_rejections_are_told_by_producer_and_version_and_replays_by_outcome(served: Served) -> None:
    served.health.batch_ended(a_record())
    assert served.figure("scoring_rejected_by_producer_total", producer="crm") == 2
    assert served.figure("scoring_rejected_by_schema_version_total", schema_version="unknown") == 1
    assert served.figure("scoring_replayed_total", outcome="scored") == 1


def test_producers_that_name_themselves_anew_get_no_more_room(served: Served) -> None:
    for n in range(60):
        served.health.batch_ended(a_record(rejected_by_producer={f"p{n}": 1, "p0": 1}))
    told = {labels: value for (name, labels), value in served.figures().items() if name == "scoring_rejected_by_producer_total"}
    assert len(told) == 21
    assert sum(told.values()) == 119
    assert told[("producer", "p0"),] == 60
    assert told[("producer", "other"),] == 40
