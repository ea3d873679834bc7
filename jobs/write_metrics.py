"""Entry point: keep the metric store from the metrics topic until SIGTERM (see streaming/service/write_metrics.py)."""

from __future__ import annotations

import sys

from streaming.service.entry import main
from streaming.service.write_metrics import write_metrics

if __name__ == "__main__":
    sys.exit(main("write_metrics", __doc__, write_metrics))
