"""Health over real HTTP: ready, not ready, and the figures for Prometheus."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streaming.errors import ConfigError
from streaming.service import health
from streaming.service.health import Health
from streaming.settings import Http


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
    served.health.batch_ended()
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


def test_another_path_is_not_found_and_the_real_ones_are_named(served: Served) -> None:
    assert served.get("/")[:2] == (404, "/metrics /livez /readyz\n")
