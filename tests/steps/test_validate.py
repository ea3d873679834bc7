from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from streaming.contracts import Contract, load_contract
from streaming.contracts.schema import parse_contract
from streaming.models.plan import Plan, PlannedModel
from streaming.records import ENVELOPE, RAW, REJECTED
from streaming.steps.decode import Decode
from streaming.steps.validate import Validate

NOW = datetime(2026, 1, 3, tzinfo=UTC)
PLAN = Plan(
    plan_id="p", query_id="q", batch_id=0, stream="s", deployment="d", schema_version=1,
    champion=PlannedModel("champion", "champion", "m", "1", "0" * 64),
    now=NOW, allowed_skew_s=60, max_event_bytes=1_000_000, tasks=1, offsets={}, release="0",
)  # fmt: skip
CONTRACT = load_contract(Path("schemas/customer_activity/v1.json"))
CORPUS = [json.loads(line) for line in Path("tests/corpus/customer_activity.jsonl").read_text().splitlines()]
GOOD: dict[str, Any] = json.loads(CORPUS[0]["value"])


def _run(
    values: list[bytes], contracts: dict[int, Any] | None = None, versions: Sequence[int | None] | None = None, plan: Plan = PLAN
) -> tuple[pa.RecordBatch, pa.Table]:
    """Decode and validate; the rejected of both steps in the order of their offsets."""
    rows = [
        {
            "key": b"k",
            "value": value,
            "headers": [{"key": "schema-version", "value": str(versions[i]).encode()}] if versions and versions[i] else [],
            "source_topic": "t",
            "source_partition": 3,
            "source_offset": i,
            "received_at": NOW,
        }
        for i, value in enumerate(values)
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=RAW)
    decoded = Decode()(batch, plan)
    validated = Validate(contracts or {1: CONTRACT})(decoded.rows, plan)
    return validated.rows, pa.Table.from_batches([decoded.rejected, validated.rejected], schema=REJECTED).sort_by("source_offset")


def _event(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_every_event_of_the_corpus_goes_on_or_is_rejected_for_its_reason() -> None:
    values = [case["value"].encode("latin-1") for case in CORPUS]
    rows, rejected = _run(values)
    bad = [i for i, case in enumerate(CORPUS) if case["reason"]]
    assert rows.column("source_offset").to_pylist() == [i for i in range(len(CORPUS)) if i not in bad]
    assert rejected.column("source_offset").to_pylist() == bad
    assert rejected.column("reason").to_pylist() == [CORPUS[i]["reason"] for i in bad]
    assert rejected.column("path").to_pylist() == [CORPUS[i]["path"] for i in bad]
    assert rejected.column("value").to_pylist() == [values[i] for i in bad]
    assert all("\n" not in message and "\0" not in message for message in rejected.column("message").to_pylist())


def test_rows_carry_envelope_and_fields() -> None:
    rows, _ = _run([_event(event_time="2026-01-02T05:00:00.5+02:00")])
    assert rows.schema.names == [*ENVELOPE.names, *CONTRACT.arrow_schema.names]
    row = rows.to_pylist()[0]
    assert (row["event_id"], row["entity_id"], row["schema_version"]) == (GOOD["event_id"], "C-00001", 1)
    assert row["event_time"] == datetime(2026, 1, 2, 3, 0, 0, 500_000, tzinfo=UTC)
    assert (row["event.tenure"], row["event.contract"], row["event.total_charges"]) == (1, "Month-to-month", 29.85)


def test_event_further_ahead_than_the_skew_is_rejected() -> None:
    limit = NOW + timedelta(seconds=60)
    times = [limit.isoformat(), (limit + timedelta(microseconds=1)).isoformat(), "2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
    rows, rejected = _run([_event(event_time=time) for time in times])
    assert rows.column("source_offset").to_pylist() == [0, 3]
    assert rejected.column("reason").to_pylist() == ["future_time"] * 2
    assert rejected.column("path").to_pylist() == ["/event_time"] * 2
    assert "2999-01-01T00:00:00.000000Z" in rejected.column("message")[1].as_py()


def test_monsters_do_not_hurt_their_neighbours() -> None:
    monsters = [b"[" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"x" * 10_000_000, b"\xff" * 1000, b"1" * 100_000]
    values = [event for monster in monsters for event in (_event(), monster)]
    rows, rejected = _run([*values, _event()])
    assert rows.column("source_offset").to_pylist() == [0, 2, 4, 6, 8, 10]
    assert rejected.column("reason").to_pylist() == ["depth", "depth", "too_large", "encoding", "number_range"]


def _second_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path("schemas/customer_activity/v1.json").read_text())
    document["properties"]["plan"] = {"type": "string", "maxLength": 10, "x-default": "bronze"}
    del document["properties"]["partner"]
    document["required"].remove("partner")
    del document["x-event-id"]
    return document


def _second() -> Contract:
    return parse_contract(_second_document(), "customer_activity", 2, "v2")


def _first() -> Contract:
    """Version 1, with a default for what version 2 leaves out."""
    document = json.loads(Path("schemas/customer_activity/v1.json").read_text())
    document["properties"]["partner"]["x-default"] = 0
    return parse_contract(document, "customer_activity", 1, "v1")


def test_versions_in_one_batch_keep_their_order() -> None:
    newer = {name: item for name, item in GOOD.items() if name != "partner"} | {"plan": "gold"}
    values = [_event(), json.dumps(newer).encode(), _event(), _event(), _event(tenure=-1)]
    rows, rejected = _run(values, {1: _first(), 2: _second()}, [None, 2, 1, 3, 1])
    assert rows.column("source_offset").to_pylist() == [0, 1, 2]
    assert rows.column("schema_version").to_pylist() == [1, 2, 1]
    assert rows.schema.names == [*ENVELOPE.names, *CONTRACT.arrow_schema.names]
    assert rows.column("event.partner").to_pylist() == [1, 0, 1]
    assert rows.column("event_id").to_pylist() == [GOOD["event_id"], None, GOOD["event_id"]]
    assert rejected.column("reason").to_pylist() == ["unknown_schema_version", "minimum"]
    assert rejected.column("schema_version").to_pylist() == [3, 1]


def test_each_version_is_lifted_to_the_one_that_the_plan_reads() -> None:
    newer = {name: item for name, item in GOOD.items() if name != "partner"} | {"plan": "gold"}
    values = [_event(), json.dumps(newer).encode(), _event(tenure=2)]
    rows, rejected = _run(values, {1: _first(), 2: _second()}, [1, 2, 1], msgspec.structs.replace(PLAN, schema_version=2))
    assert rows.schema.names == [*ENVELOPE.names, *_second().arrow_schema.names]
    assert rows.column("event.plan").to_pylist() == ["bronze", "gold", "bronze"]
    assert rows.column("event.tenure").to_pylist() == [1, 1, 2]
    assert rows.column("schema_version").to_pylist() == [1, 2, 1]
    assert rejected.num_rows == 0


def test_what_misses_after_the_lift_is_the_reason() -> None:
    changed = _second_document()
    del changed["properties"]["plan"]["x-default"]
    changed["properties"]["tenure"]["maximum"] = 10
    changed["required"].append("plan")
    second = parse_contract(changed, "customer_activity", 2, "v2")
    newer = {name: item for name, item in GOOD.items() if name != "partner"} | {"plan": "gold"}
    rows, rejected = _run(
        [json.dumps(newer).encode(), _event(tenure=11)], {1: _first(), 2: second}, [2, 1], msgspec.structs.replace(PLAN, schema_version=2)
    )
    assert rows.column("source_offset").to_pylist() == [0]
    assert rejected.column("reason").to_pylist() == ["schema_version"]
    assert rejected.column("path").to_pylist() == ["/tenure"]
    assert rejected.column("message").to_pylist() == ["/tenure: schema_version 2 (of v1, lifted): maximum 10, found 11 (1 more)"]


def test_a_field_that_changes_its_type_is_a_reason_and_no_crash() -> None:
    document = json.loads(Path("schemas/customer_activity/v1.json").read_text())
    document["properties"]["tenure"] = {"type": "string"}
    changed = parse_contract(document, "customer_activity", 2, "v2")
    rows, rejected = _run([_event(), _event(tenure="12")], {1: CONTRACT, 2: changed}, [1, 2])
    assert rows.column("source_offset").to_pylist() == [0]
    assert (rejected.column("reason").to_pylist(), rejected.column("path").to_pylist()) == (["schema_version"], ["/tenure"])


def test_all_rejected_and_nothing_at_all() -> None:
    rows, rejected = _run([b"{", b"["])
    assert (rows.num_rows, rejected.num_rows) == (0, 2)
    rows, rejected = _run([])
    assert (rows.num_rows, rejected.num_rows) == (0, 0)
    assert rows.schema.names == [*ENVELOPE.names, *CONTRACT.arrow_schema.names]


def test_outcome_does_not_depend_on_the_neighbours() -> None:
    values = [case["value"].encode("latin-1") for case in CORPUS]
    together, _ = _run(values)
    for place, offset in enumerate(together.column("source_offset").to_pylist()):
        alone, _ = _run([values[offset]])
        assert alone.drop_columns(["source_offset"]).equals(together.slice(place, 1).drop_columns(["source_offset"]))


def test_a_reason_tells_no_value_of_a_personal_field() -> None:
    document = json.loads(json.dumps(dict(CONTRACT.document)))
    document["properties"]["mail"] = {"type": "string", "maxLength": 5, "x-role": "metadata", "x-sensitivity": "personal"}
    contract = parse_contract(document, "customer_activity", 1, "v1")
    values = [_event(mail="jane.doe@example.org"), _event(mail=7), _event(tenure=-77), _event()[:-1] + b', "mail": "jane", "mail": "doe"}']
    _, rejected = _run(values, {1: contract})
    assert rejected.column("reason").to_pylist() == ["maxLength", "type", "minimum", "duplicate_key"]
    assert rejected.column("path").to_pylist()[:2] == ["/mail", "/mail"]
    assert rejected.column("message").to_pylist()[0] == "/mail: maxLength 5"
    assert rejected.column("value_found").to_pylist()[:3] == ["", "", "-77"]
    assert rejected.column("value").to_pylist() == values, "the event keeps its bytes"
    told = " ".join([*rejected.column("message").to_pylist(), *rejected.column("value_found").to_pylist()])
    assert "jane" not in told and "doe" not in told
