"""Alerts to people: a real HTTP server takes them, refuses them, is slow, is away; a silence keeps them back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from drift_records import KEY, now
from structlog.testing import capture_logs

from streaming.drift.alert_book import AlertBook, tell
from streaming.errors import ConfigError
from streaming.metrics.records import Alert, Silence, decode
from streaming.service.notify import Notifier
from streaming.service.webhook import Webhook

ALERT = Alert("a", now(0), "raised", "input_drift", *KEY, "plan", "psi", 0.5, 0.2, now(0), now(0), now(5), 300, "plan has drifted")


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses it was given, the last one for ever; keeps what it took. 0 says nothing at all."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = [204]
        self.taken: list[tuple[str, bytes]] = []
        self.asleep = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=secret"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        status = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.server.taken.append((self.headers["Idempotency-Key"], self.rfile.read(int(self.headers["Content-Length"]))))
        if not status:
            self.server.asleep.wait(20)
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.asleep.set()
    server.shutdown()
    thread.join()
    server.server_close()


def hook(url: str, tries: int = 3) -> Webhook:
    return Webhook(url, timeout_s=0.5, tries=tries)


def test_an_alert_is_posted_as_its_record_with_its_id(receiver: Receiver) -> None:
    assert hook(receiver.url).post(ALERT)
    ((key, body),) = receiver.taken
    assert (key, decode(body)) == (ALERT.id, ALERT)


@pytest.mark.parametrize(
    ("answers", "taken", "times"),
    [([503, 429, 204], True, 3), ([503], False, 3), ([400], False, 1), ([302], False, 1), ([0, 204], True, 2)],
    ids=["comes back", "stays away", "refuses", "redirects", "is slow once"],
)
def test_waiting_is_for_what_it_mends(receiver: Receiver, answers: list[int], taken: bool, times: int) -> None:
    receiver.answers = answers
    with capture_logs() as logs:
        assert hook(receiver.url).post(ALERT) is taken
    assert [key for key, _ in receiver.taken] == [ALERT.id] * times
    assert [log["event"] for log in logs] == ([] if taken else ["webhook_failed"])
    assert "secret" not in str(logs)


def test_nobody_there_is_logged_and_raises_nothing() -> None:
    with capture_logs() as logs:
        assert not hook("http://127.0.0.1:1/", tries=1).post(ALERT)
    assert "refused" in logs[0]["reason"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "https://", "hook"])
def test_what_is_no_web_address_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match=r"drift\.webhook is no URL"):
        hook(url)


def test_a_silenced_alert_is_kept_from_the_webhook_and_others_are_not(receiver: Receiver) -> None:
    book = AlertBook()
    tell(book, Silence("s", now(0), "2999-01-01T00:00:00.000000Z", KEY.deployment, "plan", "", "", "me", "known"))
    other = msgspec.structs.replace(ALERT, id="b", feature="tenure")
    with capture_logs() as logs:
        Notifier(lambda: book, hook(receiver.url))([ALERT, other])
    assert [key for key, _ in receiver.taken] == ["b"]
    assert [(log["log_level"], log["alert"], log["silenced_by"]) for log in logs] == [("info", "a", "me"), ("warning", "b", "")]


def test_without_alerts_nobody_asks_for_silences() -> None:
    def asked() -> AlertBook:
        raise AssertionError

    Notifier(asked, None)([])
