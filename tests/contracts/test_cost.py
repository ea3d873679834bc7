"""No event costs much more than reading it: the work grows with its size and no faster, however it is made to be dear.

Costs are processor time, and compared with each other, never with a clock: an event with one eight times as large, and with
what Python's own parser takes for as many bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time
from typing import Any

import pyarrow as pa
import pytest
from contract_versions import version

from streaming.errors import ContractError

SMALL, LARGE = 16_384, 131_072
FEW = 990
MOST_GROWTH = 4 * LARGE / SMALL
MOST_READINGS = 80
ANY = {"x-role": "metadata"}
LIST = {**ANY, "type": "array"}
FIELDS: dict[str, Any] = {
    "text": {"type": "string", "pattern": "^(a+)+$"},
    "price": {"type": "number", "multipleOf": 0.01},
    "any": ANY,
    "whole": {**LIST, "items": {"type": "integer"}},
    "unique": {**LIST, "uniqueItems": True},
    "two": {**LIST, "contains": {"const": 1}, "minContains": 2},
    "map": {**ANY, "type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"maxLength": 3}},
    "closed": {**ANY, "type": "object", "additionalProperties": False},
    "each": {**LIST, "items": {"anyOf": [{"type": "integer"}, {"type": "object", "required": ["x"]}, {"type": "string", "maxLength": 1}]}},
    "one": {**ANY, "oneOf": [{"items": {"type": "integer"}}, {"items": {"type": "string"}}]},
    "fitting": {**ANY, "type": "object", "patternProperties": {"^(a|b)+": {"minimum": 2}, "^b": False}},
    "tree": {**LIST, "items": {"items": {"items": {"not": {"type": "integer"}}}}},
    "listed": {**ANY, "enum": [[1, 2], {"a": 1}]},
}
CONTRACT = version(1, FIELDS, tuple(FIELDS))
FLAT = version(1, {name: FIELDS[name] for name in ("text", "price")}, ("text", "price"))
START = b'{"at":"2026-01-01T00:00:00Z","who":"w"'


def event(text: str) -> bytes:
    return START + b"," + text.encode() + b"}"


def fields(part: Callable[[int], str], size: int) -> str:
    """Parts one after the other until they have so many bytes."""
    found, length = list[str](), 0
    while length < size:
        found.append(part(len(found)))
        length += len(found[-1]) + 1
    return ",".join(found)


def items(name: str, part: Callable[[int], str]) -> Callable[[int], bytes]:
    return lambda size: event(f'"{name}":[{fields(part, size)}]')


def members(name: str, part: Callable[[int], str]) -> Callable[[int], bytes]:
    return lambda size: event(f'"{name}":{{{fields(part, size)}}}')


def few(name: str, around: str, part: str) -> Callable[[int], bytes]:
    """Events of so few values, all of them long, that every reason is told."""

    def made(size: int) -> bytes:
        parts = (part.format(i, "x" * (size // FEW)) for i in range(FEW))
        return event(f'"{name}":{around.format(",".join(parts))}')

    return made


EVENTS: dict[str, Callable[[int], bytes]] = {
    "unknown fields": lambda size: event(fields(lambda i: f'"f{i}":1', size)),
    "unknown nested fields": lambda size: event(fields(lambda i: f'"f{i}":[1]', size)),
    "one doubled key": lambda size: event(fields(lambda _: '"who":1', size)),
    "all keys doubled": lambda size: event(fields(lambda i: f'"f{i // 2}":1', size)),
    "names with NUL": lambda size: event(fields(lambda i: f'"\\u0000{i}":1', size)),
    "names of half a character": lambda size: event(fields(lambda i: f'"\\ud800{i}":1', size)),
    "numbers": items("any", str),
    "numbers out of range": items("any", lambda _: "1e999"),
    "empty arrays": items("any", lambda _: "[]"),
    "objects with a doubled key": items("any", lambda _: '{"a":1,"a":2}'),
    "deep arrays": items("any", lambda _: "[" * 60 + "]" * 60),
    "too deep arrays": items("any", lambda _: "[" * 70 + "]" * 70),
    "deep objects": items("any", lambda _: '{"a":' * 60 + "1" + "}" * 60),
    "wrong items": items("whole", lambda _: '"a"'),
    "few wrong items": few("whole", "[{}]", '"{1}"'),
    "few wrong names and members": few("map", "{{{}}}", '"{0}{1}":"x"'),
    "few unknown members": few("closed", "{{{}}}", '"{0}{1}":"x"'),
    "few items of no kind": few("each", "[{}]", '"{1}"'),
    "few items of no branch": few("one", "[{}]", '{{"{1}":1}}'),
    "few equal items": few("unique", "[{}]", '"{1}"'),
    "few in a wrong tree": few("tree", "[[[{}]]]", '{0},"{1}"'),
    "few wrong members": few("fitting", "{{{}}}", '"b{0}{1}":1'),
    "different numbers": items("unique", str),
    "different objects": items("unique", lambda i: f'{{"a":{i}}}'),
    "none of what is wanted": items("two", lambda _: "2"),
    "wrong members": members("map", lambda i: f'"{i}":""'),
    "unknown members": members("closed", lambda i: f'"{i}":1'),
    "items of no kind": items("each", lambda _: "{}"),
    "no branch": items("one", lambda _: "{}"),
    "a branch until the end": lambda size: event(f'"one":[{fields(lambda _: "1", size)},"a"]'),
    "a wrong tree": items("tree", lambda _: "[[1]]"),
    "none of the list": items("listed", lambda _: "1"),
    "a long text": lambda size: event(f'"text":"{"a" * size}b"'),
    "a text of escapes": lambda size: event('"text":"' + "\\u0041" * (size // 6) + '"'),
    "many digits": lambda size: event(f'"price":{"9" * size}'),
    "a long fraction": lambda size: event(f'"price":0.{"3" * size}'),
    "open arrays": lambda size: b"[" * size,
    "quotation marks": lambda size: b'"' * size,
    "spaces": lambda size: b" " * size + START + b"}",
}


def cost(work: Callable[[], Any]) -> float:
    """Seconds of processor time, the least of three runs."""
    found = []
    for _ in range(3):
        start = process_time()
        work()
        found.append(process_time() - start)
    return min(found)


def judged(value: bytes) -> float:
    batch = pa.array([value], pa.binary())
    return max(cost(lambda: CONTRACT.decode(batch)), cost(lambda: FLAT.decode(batch)))


def grows_with_its_size(name: str) -> bool:
    """Whether the cost of a large event is in proportion to that of a small one, and to reading JSON."""
    reading = cost(lambda: json.loads(event(fields(lambda i: f'"f{i}":1', LARGE))[:-1] + b"}"))
    small, large = judged(EVENTS[name](SMALL)), judged(EVENTS[name](LARGE))
    return large < MOST_GROWTH * (small + 0.001) and max(small, large) < MOST_READINGS * reading


@pytest.mark.slow
@pytest.mark.parametrize("name", EVENTS)
def test_the_cost_of_an_event_grows_with_its_size_and_no_faster(name: str) -> None:
    """What grows too fast does so each time; what another program disturbs does not."""
    judged(START + b',"text":1}')  # compiles what is compiled at first use
    assert any(grows_with_its_size(name) for _ in range(5))


def test_of_very_many_unknown_fields_none_is_judged_alone() -> None:
    contract = version(1, FIELDS, tuple(FIELDS))
    assert contract.exact.flat.reasons(EVENTS["unknown fields"](SMALL)) == []
    assert contract.exact.flat.remembered == 0


def test_faults_of_the_text_that_are_told_are_bounded() -> None:
    for name in ("names with NUL", "names of half a character", "numbers out of range", "objects with a doubled key"):
        assert 0 < len(CONTRACT.check(EVENTS[name](SMALL))) <= 20


def test_what_branches_say_of_very_many_values_is_not_told() -> None:
    assert [(reason.path, reason.rule) for reason in CONTRACT.check(EVENTS["no branch"](SMALL))] == [("/one", "oneOf")]
    assert [(reason.path, reason.rule) for reason in CONTRACT.check(EVENTS["items of no kind"](SMALL))] == [("/each/0", "anyOf")]


def test_a_pattern_that_needs_backtracking_is_refused() -> None:
    assert CONTRACT.check(START + b',"text":"' + b"a" * 99 + b'!"}') != []
    for pattern in (r"^(a|aa)+\1b$", "^(?=a)a$"):
        with pytest.raises(ContractError, match="write it without"):
            version(1, {"v": {"type": "string", "pattern": pattern}})
