from __future__ import annotations

import re
from typing import Any

import pytest
from contract_versions import version
from schema_reference import for_python

from streaming.contracts.keywords import check_nested
from streaming.contracts.patterns import check_pattern
from streaming.contracts.validator import compiled
from streaming.errors import ContractError


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{2}(?:-[0-9]+)?$",
        r"^(\d{1,3}\.){3}\d+$",
        r"(?<year>\d{4})-(?:x)",
        r"a+?b*?c??d{2,}?",
        r"[\]\[\\^-]+[^\w\s]",
        r"\u0041\x41\u{1F600}\p{L}\P{Lu}",
        r"\/\-\@\_\.\{\}",
        "[+*?({]+",
        r"\+\+",
        "",
    ],
)
def test_what_ecma_has_is_left_alone(pattern: str) -> None:
    check_pattern(pattern, "here")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(?P<n>a)", "'(?P' at 0 is a group of another language"),
        ("(?P<n>a)(?P=n)", "'(?P' at 0"),
        ("a(?i)b", "'(?i' at 1"),
        ("(?i:b)", "'(?i' at 0"),
        ("(?x) a", "'(?x' at 0"),
        ("a++", "'++' at 1 is a possessive or doubled quantifier"),
        ("a*+", "'*+' at 1"),
        ("a**", "'**' at 1"),
        ("a+?{2}", "'+?{2}' at 1"),
        ("a?+", "'?+' at 1"),
        ("[a]{2,3}+", "'{2,3}+' at 3"),
        (r"\Aab", r"'\\A' at 0 is an escape of another language (the ends of a text are ^ and $)"),
        (r"ab\z", r"'\\z' at 2"),
        (r"ab\Z", r"'\\Z' at 2"),
        (r"\<a", r"'\\<' at 0"),
        (r"[\A]", r"'[\\A' at 0"),
        ("[[:alpha:]]", "'[[' at 0 is a class in a class"),
        ("x[a[b]]", "'[a[' at 1"),
        ("[a&&b]", "'[a&&' at 0 is an operation on classes"),
        ("[]a]", "'[]' at 0 is a class without characters"),
        (r"a\b{start}", "'{' at 3 is no count"),
        ("a{,2}", "'{' at 1 is no count"),
    ],
)
def test_what_ecma_lacks_is_refused_with_its_place(pattern: str, told: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_pattern(pattern, "here")
    assert str(caught.value).startswith(f"here: pattern {pattern!r}: {told}")


@pytest.mark.parametrize("pattern", ["(?=x)", "(?!y)", "(?<=a)b", "(?<!b)a", r"(a)\1", r"(?<n>a)\k<n>", "(", "[b-a]"])
def test_what_the_engine_does_not_take_is_refused_as_well(pattern: str) -> None:
    with pytest.raises(ContractError, match=r"^here: pattern .*; write it without$"):
        check_pattern(pattern, "here")


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "string", "pattern": "a++"},
        {"type": "string", "anyOf": [{"pattern": "a++"}]},
        {"x-role": "metadata", "patternProperties": {"a++": True}},
        {"x-role": "metadata", "properties": {"b": {"pattern": "a++"}}},
    ],
)
def test_patterns_are_checked_wherever_they_stand(spec: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="possessive"):
        version(1, {"v": spec})


def test_a_field_named_pattern_is_a_field() -> None:
    check_nested({"properties": {"pattern": {"type": "string"}}}, "here")


@pytest.mark.parametrize(
    ("pattern", "text", "ours", "pythons"),
    [
        ("^a$", "a\n", False, True),
        (r"^\d$", "١", False, True),
        (r"^\w$", "é", False, True),
        (r"^\s$", "\ufeff", True, False),
        (r"^\s$", "\x85", False, True),
        (r"^\s$", "\x1c", False, True),
        (r"^\S$", "\x85", True, False),
        (r"^[\d-]$", "١", False, True),
        (r"^.$", "\u2028", True, True),
        ("^.$", "\r", True, True),
        (r"é\b", "é", True, True),
    ],
)
def test_where_pythons_expressions_differ_as_the_documentation_says(pattern: str, text: str, ours: bool, pythons: bool) -> None:
    assert compiled({"pattern": pattern}).is_valid(text) == ours
    assert (re.search(pattern, text) is not None) == pythons
    if ours != pythons:
        assert (re.search(for_python(pattern), text) is not None) == ours
