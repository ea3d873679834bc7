"""An open outbox and the thread that empties it: what a process has once it tracks."""

from __future__ import annotations

import os
from pathlib import Path

from streaming.config import read_toml
from streaming.errors import ConfigError, InvalidEvent
from streaming.metrics.outbox import Outbox
from streaming.metrics.publisher import Publisher, Sending
from streaming.metrics.records import Tracked, encode
from streaming.metrics.segment import Frame
from streaming.settings import Settings

LARGEST_BYTES = 900_000  # below what brokers take by default


class Tracker:
    """Tracks by one configuration. Raises ConfigError if the outbox's folder cannot be made or the deployment has no name."""

    def __init__(self, settings: Settings) -> None:
        tracking = settings.tracking
        self.deployment = str(read_toml(settings.deployment).get("name", ""))
        if not self.deployment:
            raise ConfigError(f"{settings.deployment}: name is required and missing")
        self._exit_wait_s = tracking.exit_wait_s
        root = tracking.outbox or _state_folder()
        try:
            self.outbox = Outbox(root, limit_bytes=tracking.outbox_bytes, on_full=tracking.on_full, fsync=tracking.fsync)
        except OSError as error:
            raise ConfigError(f"tracking.outbox: {root}: {error.strerror}; name a folder that this user may write") from None
        kafka = settings.kafka
        publisher = Publisher(kafka.bootstrap_servers, settings.topics.of("metrics"), client=kafka.client)
        self.sending = Sending(self.outbox, publisher, linger_s=tracking.linger_s)

    def track(self, record: Tracked) -> None:
        """Put a record into the outbox. Raises InvalidEvent if it is too large, OutboxFull, and OSError of the disk."""
        value = encode(record)
        if len(value) > LARGEST_BYTES:
            raise InvalidEvent(f"the metrics take {len(value):,} bytes, at most {LARGEST_BYTES:,} go on the topic; track less at a time")
        self.outbox.append(Frame(record.deployment.encode(), value))

    def close(self, wait_s: float | None = None) -> None:
        """Send what waits for at most wait_s (None: tracking.exit_wait_s), then end the thread."""
        self.outbox.wait_empty(self._exit_wait_s if wait_s is None else wait_s)
        self.outbox.stop()
        self.sending.end(1)
        self.outbox.close()


def _state_folder() -> Path:
    """The user's place for what outlives a process, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "streaming-scoring" / "outbox"
