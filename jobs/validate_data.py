"""Recurring job: hold the newest events, or a file, to their contract (see streaming/report/data_watch.py)."""

from __future__ import annotations

import sys

from streaming.report.data_job import main

if __name__ == "__main__":
    sys.exit(main())
