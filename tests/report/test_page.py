"""The terminal page fits its terminal and shows the important parts first."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

from streaming.report.frame import Frame, Risk, compose
from streaming.report.page import render
from streaming.report.story import Story

NOW = datetime(2026, 5, 4, 10, 42, 42, tzinfo=UTC)
RISKS = [Risk(f"C{n:07d}", 0.9 - n / 100, "2026-05-04T10:42:40Z", "2026-05-04T10:42:41Z", "3") for n in range(10)]


def draw(frame: Frame, width: int, height: int, progress: Text | None = None) -> str:
    """The page as text."""
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(render(frame, progress))
    return captured.get()


@pytest.fixture
def frame(story: Story) -> Frame:
    """A frame of a service in which three features drifted."""
    return compose(story, "churn_risk", lag=120, at_risk=RISKS, now=NOW)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 40), (91, 30), (92, 24), (160, 60), (80, 16)])
@pytest.mark.parametrize("progress", [None, Text("bar\nbar")])
def test_it_fits(frame: Frame, width: int, height: int, progress: Text | None) -> None:
    lines = draw(frame, width, height, progress).splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 40)])
def test_the_important_is_always_there(frame: Frame, width: int, height: int) -> None:
    text = draw(frame, width, height)
    for part in ("3 of 19 features drifted", "20,235", "monthly charges", "10:42:06", "C0000000", "0.900", "enum", "120", "414 ms"):
        assert part in text


def test_with_room_every_customer_feature_reason_and_alert_is_there(frame: Frame) -> None:
    text = draw(frame, 100, 40)
    for part in ("C0000009", "senior citizen", "depth", "tenure raised"):
        assert part in text
    assert "more" not in text


def test_a_bar_passes_the_threshold_only_if_the_feature_drifted(frame: Frame) -> None:
    lines = draw(frame, 100, 40).splitlines()
    assert "━│━" in next(line for line in lines if "tenure" in line)
    assert "━│" not in next(line for line in lines if "total charges" in line)


def test_progress_stands_under_the_banner(frame: Frame) -> None:
    assert draw(frame, 100, 40, Text("sending 17 of 20")).splitlines()[1].startswith("sending 17 of 20")


@pytest.mark.parametrize("width", [80, 120])
def test_an_empty_service_shows_dashes(width: int) -> None:
    text = draw(compose(Story(), "churn_risk", lag=None, at_risk=None, now=NOW), width, 24)
    assert "Nothing has been scored yet" in text
    assert "–" in text


def test_a_frame_is_json_that_reads_back(frame: Frame) -> None:
    assert msgspec.json.decode(msgspec.json.encode(frame), type=Frame) == frame
