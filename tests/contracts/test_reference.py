"""Verdicts and reasons are those of the `jsonschema` package: on the official suite, and on a generated stream of events.

SCORING_GENERATED_EVENTS sets how long the stream is (20,000 without it).
"""

from __future__ import annotations

import os

import pyarrow as pa
import pytest
from generated_events import SCHEMA, STREAMS, Stream
from hypothesis import HealthCheck, Phase, given, settings
from schema_reference import Found, Reference, Refused, found, strict
from suite_embedding import Group, embedded, groups

from streaming.contracts.reasons import JSON_RULES, Reason
from streaming.contracts.schema import parse_contract

EVENTS = int(os.environ.get("SCORING_GENERATED_EVENTS", "20000"))
BATCH = 400
CONTRACT = parse_contract(SCHEMA, "generated", 1, "generated")
REFERENCE = Reference(SCHEMA)
# Tests of the suite that the `jsonschema` package itself fails: it lets these values pass.
LAX = {
    ("format/date-time.json", "a trailing newline is invalid"),
    ("format/uuid.json", "trailing hyphen after a complete UUID is invalid"),
    ("format/uuid.json", "non-ASCII digit '২' (a Bengali 2) is invalid"),
    ("format/uuid.json", "an underscore in place of a hex digit is invalid"),
}
# Python's regular expressions know no Unicode properties.
COMPARABLE = [group for group in groups() if "\\p{" not in str(group.schema) and "\\p{" not in repr(group.schema).replace("\\\\", "\\")]


@pytest.mark.parametrize("group", COMPARABLE, ids=lambda group: f"{group.file}: {group.description}")
def test_reasons_on_the_official_suite_are_those_of_the_reference(group: Group) -> None:
    for made in embedded(group)[0]:
        reference = Reference(made.contract.document)
        for name, event, _ in made.events:
            told = made.contract.check(event)
            if (group.file, name) in LAX:
                assert [reason.rule for reason in told] == ["format"]
                assert reference.allows(strict(event))
            elif not {reason.rule for reason in told} & JSON_RULES:
                assert (made.kind, name, found(told)) == (made.kind, name, reference.reasons(strict(event)))


@pytest.mark.slow
@settings(
    max_examples=max(1, EVENTS // BATCH), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(STREAMS)
def test_generated_stream_is_judged_as_the_reference_does(stream: Stream) -> None:
    values = stream.events(BATCH)
    decoded = CONTRACT.decode(pa.array(values, pa.binary()))
    judged = {place: [] for place in decoded.places.tolist()} | dict(decoded.rejected)
    told = [CONTRACT.check(value) for value in values]
    assert [value for place, value in enumerate(values) if judged[place] != told[place]] == []
    differing = [(value, found(reasons), _expected(value, reasons)) for value, reasons in zip(values, told, strict=True)]
    assert [(value, ours, theirs) for value, ours, theirs in differing if ours != theirs][:3] == []


def _expected(value: bytes, told: list[Reason]) -> Found:
    """What the reference finds; where the text is not strict JSON, which it cannot say, that we told so."""
    try:
        return REFERENCE.reasons(strict(value))
    except Refused:
        return {(reason.path, reason.rule) for reason in told if reason.rule in JSON_RULES} or {("", "json")}


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(STREAMS)
def test_generated_stream_is_read_alike_by_both_paths(stream: Stream) -> None:
    values = stream.events(BATCH)
    columns, places, _ = CONTRACT.fast.decode(pa.array(values, pa.binary()))
    exact = [CONTRACT.exact.decode(values[place]) for place in places.tolist()]
    assert len(places) > 0
    assert not any(reasons for _, reasons in exact)
    expected = [pa.array([row[i] for row, _ in exact], field.arrow) for i, field in enumerate(CONTRACT.fields)]
    differing = [field.name for field, a, b in zip(CONTRACT.fields, columns, expected, strict=True) if not a.equals(b)]
    assert differing == []
