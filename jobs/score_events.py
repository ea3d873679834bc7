"""spark-submit entry point: score the events of a topic until SIGTERM (see streaming/service/score_events.py)."""

from __future__ import annotations

import sys

from streaming.service.entry import main
from streaming.service.score_events import score_events

if __name__ == "__main__":
    sys.exit(main("score_events", __doc__, score_events))
