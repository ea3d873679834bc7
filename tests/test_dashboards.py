"""Dashboards, alert rules and what the jobs serve fit together: scraped by a real Prometheus, every query of every panel has an answer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml
from drift_records import batch, reference
from prometheus_client import Gauge

from streaming.local.processes import free_port
from streaming.metrics.records import Alert, Drift, FeatureDrift, Record, Tracked, encode
from streaming.metrics.sketches import Histogram
from streaming.service.drift_figures import DriftFigures
from streaming.service.health import Health, served
from streaming.service.metric_figures import MetricFigures
from streaming.service.scoring_figures import ScoringFigures
from streaming.settings import Http
from streaming.sinks.metric_store.write import Written

DOCKER = Path(__file__).resolve().parents[1] / "docker"
DASHBOARDS = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))
# Grafana's own model of a dashboard: jsonschema/ of grafana/grafana-foundation-sdk (Apache-2.0), see fixtures/grafana/README.md.
SCHEMA = Path(__file__).parent / "fixtures" / "grafana" / "dashboard.jsonschema.json"
TIMES = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"}
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="no prometheus on PATH; Debian's package of that name has it"
)


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, panel) for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]]


def queries() -> list[tuple[str, str]]:
    """Name and text of each panel's queries, with Grafana's variables as they would be put in for a short look."""
    values = {"$__rate_interval": "10s", "$__range": "30s", "$deployment": ".*"}
    found = []
    for board, panel in panels():
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in values.items():
                text = text.replace(name, value)
            assert "$" not in text, f"{board}: {panel['title']}: a variable without a value in {text}"
            found.append((f"{board}: {panel['title']} {target['refId']}", text))
    return found


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_as_grafana_has_it(path: Path) -> None:
    board = json.loads(path.read_text())
    validator = jsonschema_rs.Draft7Validator(json.loads(SCHEMA.read_text()))
    assert [f"{error.instance_path}: {error.message}"[:300] for error in validator.iter_errors(board)] == []
    assert not validator.is_valid(board | {"pannels": []}), "the schema refuses what Grafana does not know"
    places = [panel["gridPos"] for panel in board["panels"]]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(cells) == len(set(cells)), "panels lie over each other"
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_provisioning_names_the_data_source_and_folder_that_there_are() -> None:
    grafana = DOCKER / "grafana" / "provisioning"
    (source,) = yaml.safe_load((grafana / "datasources" / "prometheus.yml").read_text())["datasources"]
    used = {target["datasource"]["uid"] for _, panel in panels() for target in [panel, *panel["targets"]]}
    assert used == {source["uid"]}
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    mounts = [str(volume) for volume in compose["grafana"]["volumes"]]
    (provider,) = yaml.safe_load((grafana / "dashboards" / "scoring.yml").read_text())["providers"]
    assert any(mount.startswith("./grafana/dashboards:" + provider["options"]["path"]) for mount in mounts)
    assert source["url"] == "http://prometheus:9090"
    targets = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert {config["static_configs"][0]["targets"][0].split(":")[0] for config in targets} <= set(compose)


def drift() -> Record:
    measured = FeatureDrift("psi", 0.3, 0.2, True, None, Histogram([1]))
    return Drift("d", "2026-01-02T00:00:00Z", "churn_risk", "churn", "3", **TIMES, events=9, features={"plan": measured}, score=measured)


def alert() -> Record:
    at = "2026-01-02T00:00:00Z"
    about = {"deployment": "churn_risk", "model": "churn", "model_version": "3", "feature": "plan", "measure": "psi"}
    return Alert("a", at, "raised", "input_drift", **about, value=0.3, threshold=0.2, since=at, **TIMES, events=9, message="m")


def stored() -> list[dict[str, Any]]:
    """Records as the metric store has them; those of a kind that is not on the topic yet are written as they will be."""
    spans = {"start": TIMES["window_start"], "end": TIMES["window_end"], "at": TIMES["window_end"]}
    tracked = Tracked("t", call="aggregate", deployment="churn_risk", metrics={"accuracy": 0.9}, **spans)
    known = [msgspec.json.decode(encode(record)) for record in (batch(0), reference(), drift(), tracked)]
    about = {"at": spans["at"], "deployment": "churn_risk", "model": "churn", "model_version": "3", **TIMES}
    figures = {"figures": {"auroc": {"value": 0.8, "low": 0.7, "high": 0.9}}}
    return [*known, {"record": "quality", "coverage": 0.4, **about, **figures}, {"record": "estimate", **about, **figures}]


class Served:
    """The three jobs' figures, served as the jobs serve them, and counted on."""

    def __init__(self, stack: ExitStack) -> None:
        healths = [Health(name) for name in ("score_events", "detect_drift", "write_metrics")]
        self.ports = [stack.enter_context(served(health, Http(), 0)) for health in healths]
        self._scoring, self._drift = ScoringFigures(healths[0].registry), DriftFigures(healths[1].registry)
        Gauge("scoring_lag_events", "as the listener of the query sets it", registry=healths[0].registry).set(3)
        self._store, self._number = MetricFigures(healths[2].registry), 0

    def go_on(self) -> None:
        """Another batch at each job."""
        self._number += 1
        told = {"rejected": 2, "rejected_by_reason": {"minimum": 2}, "latency_ms": {"90": 100}, "parts_ms": {"score": 3.0}, "waited_s": 0.1}
        self._scoring.add(msgspec.structs.replace(batch(self._number), **told))
        self._drift.add(self._number, [drift(), alert()])
        self._store.add(Written(stored(), 1, []), 0.02)
        self._store.lag(5)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Prometheus that has scraped the three jobs for a while, under the shipped configuration but for addresses."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    with ExitStack() as stack:
        jobs = Served(stack)
        config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(DOCKER / "prometheus" / "alerts.yml")]
        for scraped, served_at in zip(config["scrape_configs"], jobs.ports, strict=True):
            scraped["static_configs"] = [{"targets": [f"127.0.0.1:{served_at}"]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.kill)
        address, until = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while ask(address, "min(count_over_time(up[1m]))", whole=True) < 6:
            assert time.monotonic() < until, (folder / "log").read_text()[-2000:]
            jobs.go_on()
            time.sleep(0.5)
        yield address


def ask(address: str, query: str, *, whole: bool = False) -> float:
    """How many series answer a query; the first one's value with `whole`. 0 where Prometheus does not answer yet."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{query}: {error.read().decode()[:300]}") from None
    except OSError:
        return 0
    return float(result[0]["value"][1]) if whole and result else len(result)


@pytest.mark.slow
@needs_prometheus
def test_every_query_of_every_panel_has_an_answer(prometheus: str) -> None:
    assert len(queries()) > 20
    assert [name for name, text in queries() if not ask(prometheus, text)] == []
    assert ask(prometheus, "up == 1") == 3


@pytest.mark.slow
@needs_prometheus
def test_every_figure_that_a_rule_reads_is_there(prometheus: str) -> None:
    rules = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text())["groups"]
    names = {name for part in rules for rule in part["rules"] for name in re.findall(r"\bscoring_\w+", rule["expr"])}
    assert len(names) > 8
    assert [name for name in sorted(names) if not ask(prometheus, name)] == []


@needs_prometheus
def test_the_rules_are_right_by_promtool() -> None:
    folder = DOCKER / "prometheus"
    for command in (["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
