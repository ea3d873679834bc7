"""What holds of every sink of predictions, whatever it keeps: stores, the topic, files. A new one is tested the day it is listed here."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from kept import Kept, kept
from prediction_rows import NOON, row, rows
from service import read_topic

from streaming.config import load_settings
from streaming.errors import ConfigError, StoreError, Unavailable
from streaming.sinks import STANDS, Delivery, Sink
from streaming.sinks.files import PredictionFiles
from streaming.sinks.postgres import PostgresSink
from streaming.sinks.topic import PredictionTopic

SCHEMA = json.loads(Path("schemas/prediction/v2.json").read_text())
TIMES = ("event_time", "received_at", "scored_at")


class Topic:
    """The topic of predictions, one made for each test."""

    def __init__(self, path: Path) -> None:
        self._settings = load_settings(path)
        self._name = self._settings.topics.of("predictions")
        admin = AdminClient({"bootstrap.servers": self._settings.kafka.bootstrap_servers})
        for made in admin.create_topics([NewTopic(self._name, 2)]).values():
            made.result()
        self.sink = self.another()

    def another(self) -> PredictionTopic:
        return PredictionTopic(self._settings.kafka.bootstrap_servers, self._name, client={})

    def rows(self) -> list[dict[str, Any]]:
        records = [(message.key(), json.loads(message.value())) for message in read_topic(self._settings, self._name)]
        for key, record in records:
            jsonschema.validate(record, SCHEMA)
            assert key == record["entity_id"].encode()
        known = {record["prediction_id"]: record for _, record in records}
        return [
            {name: datetime.fromisoformat(value) if name in TIMES else value for name, value in record.items()}
            for record in ({n: v for n, v in record.items() if n not in {"record", "version"}} for record in known.values())
        ]


class Files:
    """Parquet files in a folder, read as a lake's reader would: all of them, hidden ones left out."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.sink = self.another()

    def another(self) -> PredictionFiles:
        return PredictionFiles(str(self._root))

    def rows(self) -> list[dict[str, Any]]:
        found = [path for path in self._root.rglob("*.parquet") if not path.name.startswith("_")]
        entries = [entry for path in found for entry in pq.ParquetFile(path).read().to_pylist()]
        return list({entry["prediction_id"]: entry for entry in entries}.values())


@pytest.fixture(params=["memory", "files", *(pytest.param(kind, marks=pytest.mark.integration) for kind in ("postgres", "hbase", "topic"))])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Kept | Topic | Files:
    if request.param == "files":
        return Files(tmp_path / "lake")
    if request.param == "topic":
        return Topic(request.getfixturevalue("settings_file"))
    return kept(request, request.param)


def by_id(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    ids = [entry["prediction_id"] for entry in entries]
    assert len(set(ids)) == len(ids)
    return dict(zip(ids, entries, strict=True))


def written(sink: Sink, *entries: dict[str, Any]) -> list[int]:
    verdicts = sink.write(rows(*entries))
    assert isinstance(verdicts, np.ndarray)
    assert verdicts.dtype == np.uint8
    return verdicts.tolist()


def test_it_states_its_guarantee(target: Any) -> None:
    assert target.sink.delivery in Delivery


def test_nothing_written_is_nothing_kept(target: Any) -> None:
    assert written(target.sink) == []
    assert target.rows() == []


def test_what_is_written_is_there_and_the_same(target: Any) -> None:
    entries = [
        row("plain"),
        row("null", offset=1) | {"event_id": None, "predicted_class": None},
        row("awkward", entity="a\"b'c;\\d,\n\t<é>🙂", offset=2, seconds=1, score=1e-300),
        row("many", entity="c3", offset=3, scores='{"a": 0.25, "b": 0.75}', explanation='{"tenure": -0.5}'),
        row("exact", entity="c4", offset=2**53, source_partition=2**31 - 1, event_time=NOON + timedelta(microseconds=1), score=0.1 + 0.2),
        row("shadow", entity="c5", offset=4, role="shadow", variant="next"),
    ]
    assert written(target.sink, *entries) == [STANDS] * len(entries)
    assert by_id(target.rows()) == by_id(entries)


def test_what_is_written_again_is_there_once_for_a_reader_who_drops_known_ids(target: Any) -> None:
    batch = [row(f"e{n}", entity=f"c{n % 3}", offset=n, seconds=n) for n in range(30)]
    for sink in (target.sink, target.sink, target.another()):
        assert written(sink, *batch) == [STANDS] * 30
    assert by_id(target.rows()) == by_id(batch)


def test_batches_add_up(target: Any) -> None:
    first, second = row("a"), row("b", offset=1, plan_id="q/1")
    written(target.sink, first)
    written(target.another(), second)
    assert by_id(target.rows()) == by_id([first, second])


def test_it_writes_again_after_it_was_closed(target: Any) -> None:
    target.sink.close()
    written(target.sink, row("a"))
    target.sink.close()
    written(target.sink, row("b", offset=1, plan_id="q/1"))
    assert len(target.rows()) == 2


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, Sink]:
    """Sinks that point to where nobody answers."""
    (tmp_path / "file").write_text("in the way")
    return {
        "postgres": PostgresSink("postgresql://scoring:geheim@127.0.0.1:1/scoring"),
        "topic": PredictionTopic("127.0.0.1:1", "predictions", client={}, delivery_s=1),
        "files": PredictionFiles(str(tmp_path / "file" / "lake")),
    }


@pytest.mark.parametrize("kind", ["postgres", "topic", "files"])
def test_one_that_is_away_says_so_and_takes_nothing(nobody: dict[str, Sink], kind: str) -> None:
    with pytest.raises(Unavailable) as told:
        nobody[kind].write(rows(row("a")))
    assert "\n" not in str(told.value)
    assert "geheim" not in str(told.value)


def test_files_are_named_so_that_a_replay_overwrites_them(tmp_path: Path) -> None:
    for _ in range(2):
        PredictionFiles(f"file://{tmp_path}/lake").write(
            rows(row("a", plan_id="q/7"), row("b", offset=1, deployment="other", plan_id="q/7"))
        )
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == [f"lake/deployment={name}/date=2026-01-02/q-7-e3b98a4d-0-{n}.parquet" for name, n in (("other", 1), ("risk", 0))]


def test_a_place_for_files_is_checked_before_it_is_used(tmp_path: Path) -> None:
    PredictionFiles(str(tmp_path / "lake")).check()
    assert list((tmp_path / "lake").rglob("*.parquet")) == []
    with pytest.raises(ConfigError, match="sinks.files: nowhere://x: .*; install"):
        PredictionFiles("nowhere://x").check()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="let this user write there"):
        PredictionFiles(str(tmp_path / "file")).check()
