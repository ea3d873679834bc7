"""Whatever the bytes are: no error, a verdict for each event, and reasons whose size does not grow with the event's.

SCORING_FUZZ_DRAWS sets how many batches are drawn (400 without it), others in each run; a failure is printed with the line
that draws it again. What events cost is bounded in test_cost.py.
"""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
from generated_events import SCHEMA
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contracts import Contract, Reason
from streaming.contracts.reasons import RULES, SHOWN_REASONS
from streaming.contracts.schema import parse_contract

DRAWS = int(os.environ.get("SCORING_FUZZ_DRAWS", "400"))
CONTRACT = parse_contract(SCHEMA, "generated", 1, "generated")
LINES = Path("tests/corpus/customer_activity.jsonl").read_text().splitlines()
SEEDS = [b'{"at":"2026-01-01T00:00:00Z","who":"w","kind":"a","n":3,"flag":true,"place":{"town":"x"},"tags":["a"]}']
SEEDS += [value for line in LINES if len(value := json.loads(line)["value"].encode("latin-1")) < 2000]
TOKENS = st.sampled_from(
    [b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"null", b"1e999", b"\\u0000", b"\\ud800", b"\xff", b"\0", b"-", b"."]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A seed with pieces cut out, put in, doubled, or joined with another's."""
    value = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(value)))
        end = draw(st.integers(start, min(len(value), start + 20)))
        piece = draw(TOKENS | st.binary(max_size=4) | st.just(value[start:end] * 2) | st.sampled_from(SEEDS).map(lambda other: other[:40]))
        value = value[:start] + piece + value[end:]
    return value


def _check_judged(contract: Contract, values: list[bytes]) -> None:
    decoded = contract.decode(pa.array(values, pa.binary()))
    assert sorted([*decoded.places.tolist(), *decoded.rejected]) == list(range(len(values)))
    assert decoded.rows.num_rows == len(decoded.places)
    for reasons in decoded.rejected.values():
        _check_small(reasons)


def _check_small(reasons: list[Reason]) -> None:
    assert 0 < len(reasons) <= SHOWN_REASONS + 1
    assert {reason.rule for reason in reasons} <= RULES
    assert all(len(reason.message) < 2000 and reason.message.isprintable() for reason in reasons)


@pytest.mark.slow
@settings(max_examples=DRAWS, deadline=None, derandomize=False, print_blob=True)
@given(st.lists(mutated() | st.binary(max_size=60), min_size=1, max_size=10))
def test_any_bytes_are_judged(values: list[bytes]) -> None:
    _check_judged(CONTRACT, values)


@pytest.mark.parametrize(
    "inside",
    [
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b"[" * 300_000 + b"]" * 300_000,
        b"9" * 500_000,
        b'"' + b"\\u0041" * 200_000 + b'"',
        b'"' + b"x" * 900_000,
    ],
    ids=["open arrays", "open objects", "closed arrays", "digits", "escapes", "open text"],
)
@pytest.mark.parametrize("field", ["place", "kind", "share", "unknown"])
def test_a_large_value_anywhere_costs_no_more_than_its_size(inside: bytes, field: str) -> None:
    value = SEEDS[0].replace(b',"place":{"town":"x"}', b"")[:-1] + b',"' + field.encode() + b'":' + inside + b"}"
    tracemalloc.start()
    _check_judged(CONTRACT, [value, SEEDS[0]])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * len(value)


def test_of_an_event_with_very_many_wrong_values_one_reason_is_told() -> None:
    for count, reasons in ((100, 50), (100_000, 1)):
        value = SEEDS[0].replace(b'["a"]', json.dumps([*range(count)]).encode())
        document = {**SCHEMA, "properties": {**SCHEMA["properties"], "tags": {"x-role": "metadata", "items": {"type": "string"}}}}
        told = parse_contract(document, "generated", 1, "generated").check(value)
        assert (len(told), told[0].path, told[0].rule) == (reasons, "/tags/0", "type")
