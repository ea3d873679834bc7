"""A webhook: alerts as JSON to somebody else's HTTP server.

Delivery: at least once while the server answers within the tries; an alert that it never takes stays on its topic, and the log
says so. The header `Idempotency-Key` is the alert's id, by which a receiver drops a repeat.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import structlog

from streaming.errors import ConfigError
from streaming.metrics.records import Alert, encode

PAUSE_S = 0.5  # before the second try; doubles
PAUSE_MAX_S = 10.0
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_log = structlog.get_logger("streaming.webhook")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: a redirected POST would become a GET without its content."""

    def redirect_request(self, *_: Any) -> None:
        """No request."""


class Webhook:
    """POSTs alerts to one URL.

    timeout_s: how long one try may take; tries: how many there are. Raises ConfigError for what is no http(s) URL.
    """

    def __init__(self, url: str, *, timeout_s: float, tries: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("drift.webhook is no URL of http or https; write it as https://host/path, or leave it empty")
        self._url, self._host, self._timeout_s, self._tries = url, parts.hostname, timeout_s, tries
        self._opener = urllib.request.build_opener(_Stay)

    def post(self, alert: Alert) -> bool:
        """Send an alert; returns whether the server took it. What it answers with an error that waiting does not mend is sent once."""
        for number in range(self._tries):
            reason, final = self._try(alert)
            if reason is None:
                return True
            if final or number + 1 == self._tries:
                break
            time.sleep(min(PAUSE_S * 2**number, PAUSE_MAX_S))
        _log.error("webhook_failed", alert=alert.id, to=self._host, tries=number + 1, reason=reason)
        return False

    def _try(self, alert: Alert) -> tuple[str | None, bool]:
        """Why the server did not take it, None if it did; and whether another try is of no use."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": alert.id, "User-Agent": "streaming-scoring"}
        request = urllib.request.Request(self._url, encode(alert), headers, method="POST")  # noqa: S310 (the scheme was looked at)
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return None, False
        except urllib.error.HTTPError as error:
            error.close()
            return f"the server answered {error.code}", error.code not in _AGAIN
        except (OSError, http.client.HTTPException) as error:
            return str(error)[:200] or type(error).__name__, False
