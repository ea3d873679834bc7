"""What is shown of an event acts on nobody's terminal."""

from __future__ import annotations

import pytest

from streaming.errors import ConfigError
from streaming.replay.page import address_of, escaped


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "(null)"),
        (b"", ""),
        (b'{"a": "\xc3\xbc"}', '{"a": "ü"}'),
        (b"\x1b[2J\r\n", "\\u001b[2J\\u000d\\u000a"),
        ("\u202eevil\u2028".encode(), "\\u202eevil\\u2028"),
        (b"\xff\xfe", "\\xff\\xfe"),
    ],
)
def test_bytes_are_one_line_without_control_characters(value: bytes | None, shown: str) -> None:
    assert escaped(value) == shown
    assert escaped(value).isprintable()


@pytest.mark.parametrize(("text", "address"), [("3/41", ("events", 3, 41)), ("a.b/0/7", ("a.b", 0, 7)), ("/3/41", ("events", 3, 41))])
def test_an_address_is_read_as_it_is_shown(text: str, address: tuple[str, int, int]) -> None:
    assert address_of(text, "events") == address


@pytest.mark.parametrize("text", ["", "41", "t/3", "t/3/x", "t/-1/4", "t/3/"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="is no address; expected topic/partition/offset"):
        address_of(text, "events")
