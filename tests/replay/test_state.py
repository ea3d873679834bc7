"""The same question goes on where it was stopped; another one, or one that was answered, begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.errors import ConfigError
from streaming.replay.mapping import Mapping
from streaming.replay.selection import Selection
from streaming.replay.state import Run, locked, new_run, save, unfinished

ASKED = {"reason": "enum", "since": "1h"}
RULES = Mapping(default={"a": 1}).text


def a_run() -> Run:
    return new_run(ASKED, "events", Selection(reason="enum", since_ms=7), RULES, rejected={"0": (0, 9)}, replay={"0": (0, 3)})


def test_a_stopped_run_is_found_whole_by_the_same_question(tmp_path: Path) -> None:
    run = a_run()
    save(tmp_path, run)
    assert unfinished(tmp_path, ASKED, "events", RULES) == run
    assert unfinished(tmp_path, ASKED | {"reason": "type"}, "events", RULES) is None
    assert unfinished(tmp_path, ASKED, "others", RULES) is None
    assert unfinished(tmp_path, ASKED, "events", Mapping().text) is None


def test_an_ended_run_is_not_gone_on_with_and_keeps_its_mapping(tmp_path: Path) -> None:
    run = a_run()
    path = save(tmp_path, run)
    assert save(tmp_path, run.ended(5, 1)) == path
    assert unfinished(tmp_path, ASKED, "events", RULES) is None
    assert '\\"a\\": 1' in path.read_text()


def test_a_broken_state_is_told_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ConfigError, match=r"x\.json: not the state of a replay"):
        unfinished(tmp_path, ASKED, "events", RULES)


def test_one_replay_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "replays"), pytest.raises(ConfigError, match="another replay runs"), locked(tmp_path / "replays"):
        pass
    with locked(tmp_path / "replays"):
        pass
