"""Clients of a broker that wants to know who comes: right ones are let in by librdkafka and by Spark, wrong ones told why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic
from security.site import KEY_PASSWORD, PASSWORD, TOKEN_SECRET, Site

from streaming.errors import ConfigError, Unavailable
from streaming.kafka.acls import SPAN_GROUP, Grant
from streaming.kafka.clients import spark_kafka_options
from streaming.kafka.refusals import Admin
from streaming.kafka.topic_span import read, span_of
from streaming.local.jars import jar_paths
from streaming.settings import Kafka
from streaming.sinks.acknowledged import AcknowledgedTopic, Outgoing

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
WAYS = ("scram", "mtls", "mtls with a key's password", "token")
OPEN = "for-all"
USERS = ("User:nobody", "User:mtls-user", "User:locked-user", "User:token-user")


@pytest.fixture(scope="session", autouse=True)
def open_topic(site: Site) -> None:
    """A topic that each right client may use."""
    for future in site.broker.admin.create_topics([NewTopic(OPEN, 1, 1)]).values():
        future.result(30)
    for user in USERS:
        site.broker.grant(user, Grant("operator", "topic", OPEN, ("Read", "Write")), Grant("operator", "group", SPAN_GROUP, ("Describe",)))


def send(kafka: Kafka, topic: str, value: bytes) -> None:
    """Send one message as the jobs do."""
    sender = AcknowledgedTopic(kafka.bootstrap_servers, client=kafka.client, compression="zstd", delivery_s=15)
    sender.send(topic, [Outgoing(value, None)])


@pytest.mark.parametrize("way", WAYS)
def test_a_right_client_sees_sends_and_reads(site: Site, way: str) -> None:
    kafka = site.kafka(way)
    assert OPEN in Admin(kafka).topics()
    send(kafka, OPEN, way.encode())
    assert way.encode() in [message.value() for message in read(kafka, OPEN, span_of(kafka, OPEN))]


def test_sparks_own_client_reads_with_the_same_settings(site: Site, tmp_path: Path) -> None:
    """One session for all: what each reads is written down, for the session is another process's."""
    send(site.kafka("scram"), OPEN, b"for Spark")
    jars = ",".join(map(str, jar_paths("spark-kafka")))
    options = {way: spark_kafka_options(site.kafka(way)) | {"subscribe": OPEN} for way in WAYS}
    script = tmp_path / "read.py"
    script.write_text(READING.format(jars=jars, options=options))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, [line for line in done.stderr.splitlines() if "Caused by" in line or "Error" in line][:20]
    assert done.stdout.split() == ["True"] * len(WAYS)


READING = """
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.jars", "{jars}").config("spark.ui.enabled", "false")
spark = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()
for options in {options}.values():
    values = [bytes(row.value) for row in spark.read.format("kafka").options(**options).load().select("value").collect()]
    print(b"for Spark" in values)
"""


REFUSED = {
    "another authority": ("scram", {"ssl_ca_location": "OTHER"}, r"certificate is not signed by an authority of kafka\.client\.ssl\.ca"),
    "an expired certificate": ("mtls", {"listener": "EXPIRED"}, "certificate has expired; let the broker's operator renew it"),
    "another host's certificate": ("mtls", {"listener": "ELSEWHERE"}, "not made for the name under which kafka.bootstrap_servers"),
    "a wrong password": ("scram", {"sasl_password": "wrongcanary"}, r"refuses the login .*mend its sasl\.\* settings"),
    "an unknown user": ("scram", {"sasl_username": "stranger"}, "refuses the login"),
    "no client certificate": ("mtls", {"ssl_certificate_location": None, "ssl_key_location": None}, "misses one.*ssl.certificate.location"),
    "a client certificate of others": ("mtls", {"OTHERS": "client"}, "refuses the certificate of kafka.client"),
    "a wrong secret for the token": ("token", {"sasl_oauthbearer_client_secret": "wrongcanary"}, "token|OAUTHBEARER|sasl"),
    "no TLS where there is some": ("scram", {"security_protocol": "SASL_PLAINTEXT"}, "kafka.client are right"),
    "TLS where there is none": (
        "mtls",
        {"listener": "PLAIN"},
        r"kafka.client are right \(ssl://.*(PLAINTEXT broker listener|closed by peer)",
    ),
}


def wrong_client(site: Site, name: str) -> Kafka:
    """The settings of a client with one thing wrong, by its name in REFUSED."""
    way, changed, _ = REFUSED[name]
    if "OTHERS" in changed:
        issued = site.other.issue("intruder")
        changed = {"ssl_certificate_location": str(issued.certificate), "ssl_key_location": str(issued.key)}
    named = {key: str(site.other.file) if value == "OTHER" else value for key, value in changed.items()}
    return site.kafka(way, **named).model_copy(update={"wait_s": 4.0})


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_client_is_told_what_to_mend(site: Site, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((ConfigError, Unavailable), match=REFUSED[name][2]) as told:
        Admin(wrong_client(site, name)).topics()
    line = str(told.value)
    assert "\n" not in line
    assert [secret for secret in (PASSWORD, KEY_PASSWORD, TOKEN_SECRET, "wrongcanary") if secret in line] == []
    assert capfd.readouterr().err == "", "one line, and it is ours"
