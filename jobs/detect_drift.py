"""spark-submit entry point: watch the metrics topic for drift until SIGTERM (see streaming/service/detect_drift.py)."""

from __future__ import annotations

import sys

from streaming.service.detect_drift import detect_drift
from streaming.service.entry import main

if __name__ == "__main__":
    sys.exit(main("detect_drift", __doc__, detect_drift))
