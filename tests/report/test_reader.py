"""The reader, the report and the page against a real broker and a real store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stubs do not export it
from tests_support import as_from_a_terminal

from streaming.config import load_settings
from streaming.errors import TopicError, Unavailable
from streaming.local.services import down, up
from streaming.metrics.records import Alert, Record, encode
from streaming.report.frame import read_at_risk
from streaming.report.reader import open_reader
from streaming.report.story import Story
from streaming.settings import Settings
from streaming.sinks.migrate import migrate

pytestmark = pytest.mark.integration
REPOSITORY = Path(__file__).resolve().parents[2]
EVENTS, METRICS, ALERTS = "customer_activity", "customer_activity.metrics", "customer_activity.alerts"
CONFIG = """
schemas = "{root}/schemas"
deployment = "{root}/conf/deployments/churn_risk.toml"
kafka = {{ bootstrap_servers = "{bootstrap}", wait_s = 5 }}
topics = {{ event = "{event}" }}
store = {{ dsn = "{dsn}" }}
registry = {{ tracking_uri = "sqlite:///mlflow.db" }}
stream = {{ checkpoint = "checkpoint" }}
drift = {{ checkpoint = "drift" }}
"""


@dataclass(frozen=True)
class Service:
    """Where the broker and the store are, and the folder for configuration files."""

    folder: Path
    bootstrap: str
    dsn: str

    def config(self, event: str = EVENTS, bootstrap: str = "") -> Path:
        """A configuration file of this service."""
        path = self.folder / f"{event}.toml"
        path.write_text(CONFIG.format(root=REPOSITORY, bootstrap=bootstrap or self.bootstrap, event=event, dsn=self.dsn))
        return path

    def settings(self, event: str = EVENTS, bootstrap: str = "") -> Settings:
        """The settings in that file."""
        return load_settings(self.config(event, bootstrap))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> Iterator[Service]:
    """A broker that holds the records (and a message of a later release), 20,800 events, and a store with two customers."""
    home = tmp_path_factory.mktemp("service")
    try:
        services = up(home, say=lambda line: None)
        fill_topics(services.bootstrap, records)
        fill_store(services.dsn)
        yield Service(home, services.bootstrap, services.dsn)
    finally:
        down(home)


def fill_topics(bootstrap: str, records: list[Record]) -> None:
    """Publish the records in order, each metrics record on one of two partitions."""
    topics = [NewTopic(EVENTS, 2), NewTopic(METRICS, 2), NewTopic(ALERTS, 1), NewTopic("quiet", 1), NewTopic("quiet.metrics", 1)]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics(topics).values():
        future.result()
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    producer.produce(METRICS, b'{"record":"metrics","version":99}', partition=0)
    for number, record in enumerate(records):
        if isinstance(record, Alert):
            producer.produce(ALERTS, encode(record), partition=0)
        else:
            producer.produce(METRICS, encode(record), partition=number % 2)
    for _ in range(20_800):
        producer.produce(EVENTS, b"{}", partition=0)
        producer.poll(0)
    assert producer.flush(30) == 0


def fill_store(dsn: str) -> None:
    """Two customers of this deployment and one of another."""
    migrate(dsn)
    row = (
        "INSERT INTO current_prediction (deployment, entity_id, prediction_id, role, variant, model_name, model_version, score, event_time,"
        " received_at, scored_at, source_topic, source_partition, source_offset)"
        " VALUES (%s, %s, gen_random_uuid(), 'champion', 'champion', 'churn', '3', %s, now(), now(), now(), 't', 0, 0)"
    )
    with psycopg.connect(dsn) as connection:
        for values in (("churn_risk", "C1", 0.2), ("churn_risk", "C2", 0.9), ("other", "C3", 0.99)):
            connection.execute(row, values)


def scoring(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run([sys.executable, "-m", "streaming.cli", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_story_read_is_the_story_told(service: Service, story: Story) -> None:
    with open_reader(service.settings()) as reader:
        read = reader.catch_up()
        lag = reader.lag()
    assert (read.events, read.scored, read.rejected_by_reason) == (story.events, story.scored, story.rejected_by_reason)
    assert read.timeline.rows() == story.timeline.rows()
    assert {alert.id for alert in read.alerts} == {alert.id for alert in story.alerts}
    assert lag == 20_800 - 20_700


def test_an_empty_topic_has_an_empty_story(service: Service) -> None:
    with open_reader(service.settings("quiet")) as reader:
        assert reader.catch_up() == Story()
        assert reader.lag() == 0


def test_a_missing_topic_is_named(service: Service) -> None:
    with pytest.raises(TopicError, match=r"no topic nowhere\.metrics"), open_reader(service.settings("nowhere")):
        pass


def test_a_broker_that_is_away_is_told(service: Service) -> None:
    with pytest.raises(Unavailable, match="127.0.0.1:1"), open_reader(service.settings("away", "127.0.0.1:1")):
        pass


def test_the_riskiest_of_the_deployment_come_first(service: Service) -> None:
    rows = read_at_risk(service.settings(), "churn_risk") or []
    assert [(row.entity_id, row.score, row.model_version) for row in rows] == [("C2", 0.9, "3"), ("C1", 0.2, "3")]


def test_the_report_command(service: Service, story: Story) -> None:
    out = service.folder / "new" / "report.html"
    done = scoring("report", "--config", str(service.config()), "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["report"], told["events"], told["verdict"]) == (str(out), story.events, "3 of 19 features drifted since 10:42:06")
    assert "3 of 19 features drifted" in out.read_text(encoding="utf-8")


def test_top_prints_a_page_or_a_frame(service: Service, story: Story) -> None:
    page = scoring("top", "--config", str(service.config()), "--once")
    assert page.returncode == 0, page.stderr
    assert "C2" in page.stdout and f"{story.events:,}" in page.stdout
    frame = json.loads(scoring("top", "--config", str(service.config()), "--json").stdout)
    assert (frame["lag"], frame["at_risk"][0]["entity_id"], frame["total"]["scored"]) == (100, "C2", story.scored)


def test_an_error_is_one_line(service: Service) -> None:
    done = scoring("report", "--config", str(service.config("nowhere")))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "scoring: there is no topic nowhere.metrics; create it by `scoring topics create`, or name it under [topics]"
    ]


def test_ctrl_c_leaves_the_live_page_with_0(service: Service) -> None:
    command = [sys.executable, "-m", "streaming.cli", "top", "--config", str(service.config())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=as_from_a_terminal) as live:
        while not psutil.Process(live.pid).net_connections():
            time.sleep(0.1)
        time.sleep(3)  # the page is drawn by then
        live.send_signal(signal.SIGINT)
        _, complaint = live.communicate(timeout=30)
    assert (live.returncode, complaint) == (0, b"")
