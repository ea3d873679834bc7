"""Three real brokers elect another leader where one is killed, and a client behind the proxies is sent back to the proxies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # not in its types' __all__
from faults.cluster import Cluster

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    brokers = Cluster(tmp_path / "cluster", 3)
    yield brokers
    brokers.close()


def test_another_leads_where_one_is_killed_and_it_comes_back(cluster: Cluster) -> None:
    settings = {"min.insync.replicas": "2"}
    cluster.admin.create_topics([NewTopic("t", 3, 3, config=settings)])["t"].result()
    cluster.wait_until("all are in sync", lambda: cluster.in_sync("t") == 3)
    producer = Producer({"bootstrap.servers": cluster.proxied, "acks": "all", "log_level": 0})
    node = cluster.leaders("t")[0]
    cluster.kill(node)
    cluster.wait_until("others lead", lambda: bool(leaders := {*cluster.leaders("t").values()}) and not leaders & {node, -1})
    for partition in range(3):
        producer.produce("t", b"x", partition=partition)
    assert producer.flush(60) == 0
    cluster.start(node)
    cluster.wait_until("it is back", lambda: cluster.in_sync("t") == 3)
    brokers = AdminClient({"bootstrap.servers": cluster.proxied}).list_topics(timeout=10).brokers.values()
    assert {broker.port for broker in brokers} == {proxy.port for proxy in cluster.proxies.values()}
