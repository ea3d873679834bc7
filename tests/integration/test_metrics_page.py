"""Both uses that docs/metrics.md shows, run as they stand there against the real broker, job and store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service import Job, wait_until

from streaming import metrics as sdk
from streaming.config import load_settings
from streaming.kafka.topics import create_topics
from streaming.sinks.migrate import migrate

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PAGE = Path("docs/metrics.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def job(settings_file: Path, tmp_path: Path) -> Iterator[Job]:
    settings_file.write_text(settings_file.read_text() + '\n[tracking]\noutbox = "outbox"\n[metric_store]\nlinger_s = 0.2\n')
    settings = load_settings(settings_file)
    create_topics(settings)
    migrate(settings.store.dsn.get_secret_value())
    sdk.configure(settings_file)
    started = Job("write_metrics", settings_file, tmp_path).wait_ready()
    yield started
    started.kill()
    sdk.configure(None)


def test_the_page_is_so(job: Job) -> None:
    page, outcome = {"c1": 0.9, "c2": 0.7, "c3": 0.2, "c4": 0.4}, {"c1": 1, "c2": 0, "c3": 0, "c4": 1}
    names: dict[str, Any] = {"page": page, "outcome": outcome, "trained_counts": [10] * 10}

    def run(block: str) -> None:
        exec(compile(block, "docs/metrics.md", "exec"), names)

    show, tell, roc, nightly = BLOCKS
    run(show)
    run(tell)
    run(tell)
    wait_until("the truth is stored", lambda: sum("left" in one.metrics for one in sdk.read_metrics().predictions) == 4)
    run(roc)
    assert list(names["roc"].values()) == [0.75]
    run(nightly)
    wait_until("the night is stored", lambda: len(sdk.read_metrics().aggregates) == 1)
    (night,) = sdk.read_metrics().aggregates
    assert night.metrics["n"] == 4
    assert night.metrics["score_psi"] > 0.2
