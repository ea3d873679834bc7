from __future__ import annotations

from contract_versions import version

from streaming.contracts.differences import differences

INT = {"type": "integer", "minimum": 0, "maximum": 100_000}


def test_every_change_is_told_with_who_breaks() -> None:
    first = version(1, {"n": INT, "old": INT, "gone": INT, "t": {"type": "string"}}, optional=("gone",))
    second = version(
        2,
        {"n": {**INT, "maximum": 10, "x-unit": "m"}, "new": {**INT, "x-renamed-from": "old"}, "more": INT, "t": {"type": "string"}},
        optional=("t",),
        title="thing",
    )
    found = [(change.kind, change.path, change.keyword, change.breaks) for change in differences(first, second)]
    assert found == [
        ("added", "", "title", ()),
        ("changed", "/n", "maximum", ("old producers",)),
        ("added", "/n", "x-unit", ()),
        ("renamed", "/new", "", ("old consumers",)),
        ("added", "/new", "x-renamed-from", ()),
        ("added", "/more", "", ("old producers", "old consumers")),
        ("changed", "/t", "required", ("old consumers",)),
        ("removed", "/gone", "", ()),
    ]


def test_a_changed_rule_is_undecided_and_says_so() -> None:
    rule = {"if": {"properties": {"n": {"minimum": 5}}}, "then": {"required": ["t"]}}
    first = version(1, {"n": INT, "t": {"type": "string"}}, optional=("t",))
    (changed, *_) = differences(first, version(2, {"n": INT, "t": {"type": "string"}}, optional=("t",), **rule))
    assert (changed.keyword, changed.breaks, changed.undecided) == ("if", ("old producers",), True)


def test_the_same_version_has_no_differences() -> None:
    assert differences(version(1, {"n": INT}), version(2, {"n": INT})) == []


def test_lines_for_a_person() -> None:
    first, second = version(1, {"n": INT}), version(2, {"m": {**INT, "x-renamed-from": "n", "minimum": 1}})
    assert [change.told for change in differences(first, second)] == ["renamed from n", "minimum: 0 → 1", 'x-renamed-from: – → "n"']
