"""Entry point: join labels with predictions until SIGTERM (see streaming/service/join_labels.py)."""

from __future__ import annotations

import sys

from streaming.service.entry import main
from streaming.service.join_labels import join_labels

if __name__ == "__main__":
    sys.exit(main("join_labels", __doc__, join_labels))
