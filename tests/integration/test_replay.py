"""Rejected events sent again by the real command, through the real job: each ends in exactly one outcome, where it first came."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from events import event, good, message
from service import REPOSITORY, Address, Job, Starter, metrics, prepare, produce, read_topic, scored, select, wait_until

from streaming.kafka.topic_span import span_of
from streaming.replay.mapping import Mapping
from streaming.replay.run import select as rejections
from streaming.replay.run import send
from streaming.replay.selection import Selection
from streaming.replay.state import new_run
from streaming.report.story import Story, tell
from streaming.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
SENT_MS = 1_767_355_200_123
MAPPING = 'replace.contract."Weekly" = "Month-to-month"\n'


@pytest.fixture
def settings(settings_file: Path, registry_table: str) -> Settings:
    return prepare(settings_file, registry_table)


class Command:
    """`scoring rejected` on the test's configuration, in a process of its own."""

    def __init__(self, config: Path, folder: Path) -> None:
        (folder / "map.toml").write_text(MAPPING)
        self._config, self._mapping, self._state = config, folder / "map.toml", folder / "replays"

    def begin(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "streaming.cli", "rejected", *words, "--config", str(self._config)]
        return subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words: str) -> Any:
        process = self.begin(*words, "--json")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return json.loads(out)

    def replay(self, *words: str) -> list[str]:
        return ["replay", "--map", str(self._mapping), "--state", str(self._state), *words]


@pytest.fixture
def command(settings: Settings, settings_file: Path, tmp_path: Path) -> Command:
    return Command(settings_file, tmp_path)


def weekly(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Events of a producer that calls a contract by a name of its own."""
    events = [message(event(n, contract="Weekly", **changes)) for n in range(count)]
    return [sent | {"headers": [("producer", b"crm-3"), ("trace", b"\xff")], "timestamp": SENT_MS} for sent in events]


def attempts(settings: Settings) -> dict[Address, list[int]]:
    """Attempts told on the rejected topic by the event's partition and offset."""
    found: dict[Address, list[int]] = {}
    for record in read_topic(settings, settings.topics.of("rejected")):
        headers = {name: value.decode("utf-8", "replace") for name, value in record.headers()}
        assert headers["__connect.errors.topic"] == settings.topics.event
        place = int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"])
        found.setdefault(place, []).append(int(headers["scoring.attempt"]))
    return found


def replayed(settings: Settings) -> Counter[str]:
    total: Counter[str] = Counter()
    for record in metrics(settings):
        total.update(record.replayed)
    return total


def test_a_mended_event_is_predicted_once_where_and_when_it_first_came(settings: Settings, command: Command, start: Starter) -> None:
    sent = produce(settings, [*weekly(3), *weekly(1, tenure=-1), *good(5)])
    job = start().wait_ready()
    wait_until("all have an outcome", lambda: len(scored(settings)) == 5 and len(attempts(settings)) == 4)
    groups = command.run("list")
    assert [(g["events"], g["path"], g["producer"], g["found"]) for g in groups] == [
        (3, "/contract", "crm-3", {'"Weekly"': 3}),
        (1, "/tenure", "crm-3", {"-1": 1}),
    ]
    trial = command.run(*command.replay())
    assert (trial["events"], trial["passing"], trial["mapped"], trial["rejected"]) == (4, 3, 4, {"minimum": 1})
    assert read_topic(settings, settings.topics.of("replay")) == []

    told = command.run(*command.replay("--yes"))
    assert (told["sent"], told["mended"]) == (4, 0)
    wait_until("the mended are predicted", lambda: len(scored(settings)) == 8)
    wait_until("the bad one is rejected again", lambda: attempts(settings)[sent[3]] == [1, 2])
    query = "SELECT source_partition, source_offset, extract(epoch FROM received_at) * 1000, source_topic FROM prediction"
    stored = {(row[0], row[1]): (int(row[2]), row[3]) for row in select(settings, query)}
    assert [stored[place] for place in sent[:3]] == [(SENT_MS, settings.topics.event)] * 3
    assert sent[3] not in stored
    _check_second_replay(settings, command, sent)
    assert job.terminate() == 0


def _check_second_replay(settings: Settings, command: Command, sent: list[Address]) -> None:
    """The command leaves out what is mended; what comes all the same is a repeat, with other bytes a conflict: neither counts twice."""
    told = command.run(*command.replay("--yes"))
    assert (told["sent"], told["mended"]) == (1, 3)
    wait_until("the bad one has its third attempt", lambda: attempts(settings)[sent[3]] == [1, 2, 3])
    shown = command.run("show", "{}/{}".format(*sent[3]))
    assert [told["attempt"] for told in shown["rejections"]] == [1, 2, 3]
    assert b'"Weekly"' in b64decode(shown["value"]), "what the producer sent, before any mapping"
    assert ["trace", "/w=="] in shown["headers"]
    process = command.begin("show", "{}/{}".format(*sent[3]))
    assert "header     trace: \\xff\n" in process.communicate()[0]
    spans = [span_of(settings.kafka, settings.topics.of(kind)) for kind in ("rejected", "replay")]
    run = new_run({}, settings.topics.event, Selection(), "", rejected=spans[0], replay=spans[1])
    again = [found for found in rejections(settings, Selection()) if found.address[1:] in sent[:3]]
    other = Mapping(replace={"contract": {"Weekly": "Two year"}})
    for mapping in (Mapping(replace={"contract": {"Weekly": "Month-to-month"}}), other):
        send(settings, run, again, mapping, rate=1000, told=lambda _: None)
    wait_until("all are counted", lambda: replayed(settings) == {"scored": 3, "rejected": 5, "repeated": 3})
    assert len(scored(settings)) == 8
    story = Story()
    for record in metrics(settings):
        tell(story, record)
        assert record.events == record.scored + record.repeated + record.rejected
    assert (story.events, story.scored, story.rejected, story.repeated) == (9, 8, 1, 0)
    assert sum((Counter(record.rejected_by_producer) for record in metrics(settings)), Counter()) == {"crm-3": 9}


def test_a_replay_killed_in_the_middle_and_run_again_brings_each_event_to_one_outcome(
    settings: Settings, command: Command, start: Starter
) -> None:
    count = 400
    sent = produce(settings, weekly(count))
    job: Job = start().wait_ready()
    wait_until("all are rejected", lambda: len(attempts(settings)) == count)
    first = command.begin(*command.replay("--yes", "--rate", "40"))
    wait_until("some are sent", lambda: len(read_topic(settings, settings.topics.of("replay"))) > 30)
    first.kill()
    first.communicate()
    before = len(read_topic(settings, settings.topics.of("replay")))
    assert before < count
    told = command.run(*command.replay("--yes"))
    assert told["sent_before"] == before
    assert told["sent"] <= count - before, "what was mended in the meantime is left out"
    wait_until("all are predicted", lambda: len(scored(settings)) == count)
    assert set(scored(settings)) == set(sent)
    wait_until("each is counted once", lambda: replayed(settings) == {"scored": count})
    assert {tuple(found) for found in attempts(settings).values()} == {(1,)}
    assert command.run("stats")["mended"] == count
    assert job.terminate() == 0
