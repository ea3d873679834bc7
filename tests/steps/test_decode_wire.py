from __future__ import annotations

from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest
from tests_support import a_plan
from wire_events import CASES, CONTRACT, GOOD, batch_of, message_of_case, registered

from streaming.contracts.reasons import RULES
from streaming.contracts.wire import SchemaKey, WireReader, WriterSchema
from streaming.errors import Unavailable
from streaming.records import REJECTED
from streaming.steps.decode import Decode
from streaming.steps.validate import Validate

MESSAGES = [message_of_case(case) for case in CASES]
WRONG = [place for place, case in enumerate(CASES) if case["reason"]]


def _run(messages: list[Any], wire: WireReader) -> tuple[pa.RecordBatch, pa.RecordBatch, pa.Table]:
    plan = a_plan()
    decoded = Decode(wire)(batch_of(messages), plan)
    validated = Validate({1: CONTRACT})(decoded.rows, plan)
    return decoded.rows, validated.rows, pa.Table.from_batches([decoded.rejected, validated.rejected], REJECTED).sort_by("source_offset")


def _wire() -> WireReader:
    return WireReader({1: CONTRACT}, registered())


def test_names_of_the_corpus_are_unique_and_many() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 60


def test_every_message_of_the_corpus_goes_on_or_is_rejected_for_its_reason() -> None:
    _, rows, rejected = _run(MESSAGES, _wire())
    found = {offset: (reason, path) for offset, reason, path in zip(*(rejected.column(n).to_pylist() for n in _TOLD), strict=True)}
    assert {CASES[place]["name"]: found.get(place) for place in WRONG} == {
        CASES[place]["name"]: (CASES[place]["reason"], CASES[place]["path"]) for place in WRONG
    }
    assert rows.column("source_offset").to_pylist() == [place for place in range(len(CASES)) if place not in WRONG]
    assert {reason for reason, _ in found.values()} <= RULES
    assert rejected.column("value").to_pylist() == [MESSAGES[place][0] for place in WRONG]
    assert all("\n" not in text and "\0" not in text and len(text) < 400 for text in rejected.column("message").to_pylist())


_TOLD = ("source_offset", "reason", "path")


def test_every_format_gives_the_same_columns_and_keeps_the_digest_of_its_own_bytes() -> None:
    decoded, rows, _ = _run([(GOOD, []), *(message for place, message in enumerate(MESSAGES) if place not in WRONG)], _wire())
    fields = rows.select([name for name in rows.schema.names if name.startswith("event.")])
    assert fields.num_rows > 10
    assert all(fields.slice(n, 1).equals(fields.slice(0, 1)) for n in range(fields.num_rows))
    assert decoded.column("payload_digest").to_pylist() == [sha256(value).hexdigest() for value in decoded.column("value").to_pylist()]
    assert len(set(decoded.column("value").to_pylist())) > 5


def test_a_message_is_read_alone_as_among_others() -> None:
    _, together, _ = _run(MESSAGES, _wire())
    for place, offset in enumerate(together.column("source_offset").to_pylist()):
        _, alone, _ = _run([MESSAGES[offset]], _wire())
        assert alone.drop_columns(["source_offset"]).equals(together.slice(place, 1).drop_columns(["source_offset"]))


class _Away:
    def schema(self, key: SchemaKey) -> WriterSchema | None:
        raise Unavailable(f"no answer for {key}")


def test_while_the_registry_is_away_nothing_is_rejected_and_unframed_events_go_on() -> None:
    wire = WireReader({1: CONTRACT}, _Away())
    with pytest.raises(Unavailable):
        _run([(GOOD, []), (b"\0\0\0\0\1" + GOOD, [])], wire)
    decoded, _, rejected = _run([(GOOD, []), (b"\0\0", [])], wire)
    assert (decoded.num_rows, rejected.column("reason").to_pylist()) == (1, ["wire_format"])


def test_what_is_rejected_anyway_is_not_asked_for() -> None:
    resolver = registered()
    plan = a_plan(max_event_bytes=10)
    batch = batch_of([(b"\0\0\0\0\1" + b"x" * 10, []), (b"\0\0\0\0\1{}", [("schema-version", b"one")]), (b"\0\0\0\0\1{}", [])])
    outcome = Decode(WireReader({1: CONTRACT}, resolver))(batch, plan)
    assert outcome.rejected.column("reason").to_pylist() == ["too_large", "unknown_schema_version"]
    assert resolver.asked == [1]


def test_without_a_registry_bytes_are_json_text_whatever_stands_before_them() -> None:
    _, rows, rejected = _run([(b"\0\0\0\0\1" + GOOD, []), (GOOD, [("__value_schema_id", b"?")])], WireReader({1: CONTRACT}))
    assert (rows.num_rows, rejected.column("reason").to_pylist()) == (1, ["json"])
