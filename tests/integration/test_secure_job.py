"""The scoring job where everything is locked: TLS and login to the broker, TLS to the store, no right too many, no secret told.

One start of Spark for all of it: its pages and its event log are on, so that they can be searched.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from events import good
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from security.site import KEY_PASSWORD, PASSWORD, Site, running_site
from security.tls_proxy import tls_proxy
from service import REPOSITORY, Job, Starter, produce, read_topic, select, wait_until

from streaming.config import load_settings
from streaming.kafka.acls import grants
from streaming.kafka.topics import create_topics
from streaming.local.processes import free_port
from streaming.settings import Settings
from streaming.sinks.migrate import migrate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
REGISTRY_TOKEN, SPARK_SECRET, WRONG = "registrycanary1", "sparkcanary1", "wrongcanary1"
PAGES = ("/jobs/", "/stages/", "/storage/", "/environment/", "/executors/", "/SQL/", "/StreamingQuery/", "/api/v1/applications")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def store(services: Any, site: Site, settings_file: Path) -> Iterator[str]:
    """A connection string to the test's database, over TLS."""
    own = settings_file.with_name("postgres.dsn").read_text()
    known = conninfo_to_dict(own)
    address = str(known["host"]), int(known["port"])
    with tls_proxy(address, site.broker.authority.issue("db"), postgres=True) as port:
        yield make_conninfo(own, port=port, sslmode="verify-full", sslrootcert=str(site.broker.authority.file))


@pytest.fixture
def secrets(store: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every secret of the test, in the environment that the configuration names."""
    password = str(conninfo_to_dict(store)["password"])
    told = {"DSN": store, "SASL": PASSWORD, "KEY": KEY_PASSWORD, "REGISTRY": REGISTRY_TOKEN, "SPARK": SPARK_SECRET}
    for name, value in told.items():
        monkeypatch.setenv(f"TEST_{name}", value)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", REGISTRY_TOKEN)
    return [password, PASSWORD, json.dumps(PASSWORD)[1:-1], KEY_PASSWORD, REGISTRY_TOKEN, SPARK_SECRET]


@pytest.fixture
def ui_port() -> int:
    return free_port()


@pytest.fixture
def settings(settings_file: Path, site: Site, secrets: list[str], registry_table: str, ui_port: int, tmp_path: Path) -> Settings:
    """The job's configuration: its user has exactly its rights; the topics are made by the broker's owner."""
    plain = load_settings(settings_file)
    create_topics(plain.model_copy(update={"kafka": site.owner()}))
    hidden = {"sasl.username": "score-events", "sasl.password": "env:TEST_SASL", "ssl.key.password": "env:TEST_KEY"}
    shown = site.kafka("mtls with a key's password").client
    client = site.kafka("scram").client | {name: shown[name] for name in ("ssl.certificate.location", "ssl.key.location")} | hidden
    (tmp_path / "events").mkdir()
    spark = {
        "spark.hadoop.fs.s3a.secret.key": "env:TEST_SPARK",
        "spark.ui.enabled": "true",
        "spark.ui.port": str(ui_port),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": f"file://{tmp_path}/events",
    }
    text = settings_file.read_text()
    text = text.replace(text[text.index("bootstrap_servers") : text.index("[topics]")], _table(site.broker.at("SCRAM"), client))
    text = text.replace("file:postgres.dsn", "env:TEST_DSN").replace("[spark]", f"[spark]\nconf = {_inline(spark)}")
    text = text.replace(text[text.index("tracking_uri") : text.index("[stream]")], registry_table)
    registry = f'[schema_registry]\nurl = "https://127.0.0.1:1"\ntoken = "env:TEST_REGISTRY"\nca_file = "{site.broker.authority.file}"\n\n'
    settings_file.write_text(text.replace("[stream]", f"{registry}[stream]"))
    found = load_settings(settings_file)
    for role in ("score-events", "producer"):
        site.broker.grant(f"User:{role}", *grants(found, "churn_risk", role))
    migrate(found.store.dsn.get_secret_value())
    return found


def _inline(table: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in table.items()) + " }"


def _table(where: str, client: dict[str, str]) -> str:
    return f'bootstrap_servers = "{where}"\nclient = {_inline(client)}\n\n'


def test_the_locked_job_scores_and_tells_nobody_a_secret(
    settings: Settings, site: Site, secrets: list[str], start: Starter, ui_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "tmp"))
    producer = settings.model_copy(update={"kafka": site.scram("producer")})
    sent = produce(producer, [*good(20), {"value": b"{"}])
    job = start().wait_ready()
    wait_until("the good are scored", lambda: len(select(settings, "SELECT 1 FROM prediction")) == len(sent) - 1)
    owner = settings.model_copy(update={"kafka": site.owner()})
    wait_until("the bad one is rejected", lambda: len(read_topic(owner, owner.topics.of("rejected"))) == 1)
    wait_until("metrics are published", lambda: len(read_topic(owner, owner.topics.of("metrics"))) >= 2)
    found = {"pages": _pages(ui_port), "command lines": _command_lines(job), "files while it runs": _files(tmp_path / "tmp")}
    assert _open_to_others(job) == []
    assert not list((tmp_path / "tmp").glob("scoring-spark-*")), "what Spark has read is removed"
    assert job.terminate() == 0
    found |= {"log": job.log.read_bytes(), "event log": _files(tmp_path / "events"), "files left": _files(tmp_path / "tmp")}
    found |= {"checkpoint": _files(tmp_path / "checkpoints"), "scoring log": _files(tmp_path / "scoring_log")}
    for kind in ("rejected", "metrics"):
        messages = read_topic(owner, owner.topics.of(kind))
        found[kind] = repr([(message.key(), message.value(), message.headers()) for message in messages]).encode()
    assert [name for name, data in found.items() if not data and name != "files left"] == [], "there was nothing to search"
    assert all(b"fs.s3a.secret.key" in found[name] for name in ("pages", "event log")), (
        "settings are shown there, without the secret ones' values"
    )
    leaks = [(name, secret) for name, data in found.items() for secret in secrets if secret.encode() in data]
    assert leaks == []
    assert b"lag_not_committed" not in found["log"], "its rights suffice"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TEST_SASL", WRONG, "refuses the login of kafka.client"),
        ("TEST_KEY", WRONG, "kafka.client.ssl.key.location: not a private key"),
        ("TEST_DSN", "", 'password authentication failed for user "scoring"'),
    ],
)
def test_a_wrong_secret_ends_the_job_with_one_line_that_does_not_hold_it(
    settings: Settings,
    settings_file: Path,
    store: str,
    secrets: list[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value or make_conninfo(store, password=WRONG))
    command = [sys.executable, "jobs/score_events.py", "--config", str(settings_file)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr
    assert [secret for secret in [*secrets, WRONG] if secret in done.stderr] == []


def _family(job: Job) -> list[psutil.Process]:
    process = psutil.Process(job.process.pid)
    return [process, *process.children(recursive=True)]


def _command_lines(job: Job) -> bytes:
    return b"\n".join(" ".join(process.cmdline()).encode() for process in _family(job))


def _open_to_others(job: Job) -> list[str]:
    """Addresses that the job's processes listen at, other than loopback."""
    places = [place.laddr.ip for process in _family(job) for place in process.net_connections("inet") if place.status == psutil.CONN_LISTEN]
    assert places, "it listens somewhere"
    return [place for place in places if not place.removeprefix("::ffff:").startswith("127.") and place != "::1"]


def _pages(port: int) -> bytes:
    """Spark's own pages and its REST answers."""

    def get(path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return bytes(answer.read())

    application = json.loads(get("/api/v1/applications"))[0]["id"]
    details = (f"/api/v1/applications/{application}/{part}" for part in ("environment", "sql?details=true&planDescription=true", "jobs"))
    executions = json.loads(get(f"/api/v1/applications/{application}/sql?length=3"))
    plans = [f"/SQL/execution/?id={one['id']}" for one in executions]
    return b"\n".join(get(path) for path in [*PAGES, *details, *plans])


def _files(folder: Path) -> bytes:
    """The bytes of every file below a folder."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
