"""The official JSON-Schema-Test-Suite: every group of every supported keyword is run as contracts, or stands in a list with the reason."""

from __future__ import annotations

import pyarrow as pa
import pytest
from suite_embedding import Group, embedded, groups

GROUPS = groups()
# Groups that no contract can hold: the contract is refused when it is loaded, with a reason that contains this.
REFUSED: dict[tuple[str, str], str] = {
    ("defs.json", "validate definition against metaschema"): "expected #/$defs/<name> of the same file",
    ("not.json", "collect annotations inside a 'not', even if collection is disabled"): "keyword 'unevaluatedProperties' is not supported",
    ("ref.json", "root pointer ref"): "expected #/$defs/<name> of the same file",
    ("ref.json", "remote ref, containing refs itself"): "expected #/$defs/<name> of the same file",
    ("ref.json", "Recursive references between schemas"): "expected #/$defs/<name> of the same file",
    ("ref.json", "ref creates new scope when adjacent to keywords"): "keyword 'unevaluatedProperties' is not supported",
    ("ref.json", "refs with relative uris and defs"): "leads nowhere",
    ("ref.json", "relative refs with absolute uris and defs"): "leads nowhere",
    ("ref.json", "$id must be resolved against nearest parent, not just immediate parent"): "expected #/$defs/<name> of the same file",
    ("ref.json", "order of evaluation: $id and $ref"): "expected #/$defs/<name> of the same file",
    ("ref.json", "order of evaluation: $id and $anchor and $ref"): "expected #/$defs/<name> of the same file",
    ("ref.json", "order of evaluation: $id and $ref on nested schema"): "expected #/$defs/<name> of the same file",
    ("ref.json", "simple URN base URI with $ref via the URN"): "expected #/$defs/<name> of the same file",
    ("ref.json", "URN base URI with URN and JSON pointer ref"): "expected #/$defs/<name> of the same file",
    ("ref.json", "URN base URI with URN and anchor ref"): "expected #/$defs/<name> of the same file",
    ("ref.json", "URN ref with nested pointer ref"): "expected #/$defs/<name> of the same file",
    ("ref.json", "ref to if"): "expected #/$defs/<name> of the same file",
    ("ref.json", "ref to then"): "expected #/$defs/<name> of the same file",
    ("ref.json", "ref to else"): "expected #/$defs/<name> of the same file",
    ("ref.json", "ref with absolute-path-reference"): "expected #/$defs/<name> of the same file",
    ("ref.json", "$id with file URI still resolves pointers - *nix"): "keyword '$id' is not supported",
    ("ref.json", "$id with file URI still resolves pointers - windows"): "keyword '$id' is not supported",
}
# Tests whose value is no event of ours although the suite allows it, with the rule: we are stricter, as docs/contracts.md says.
STRICTER: dict[tuple[str, str], str] = {
    ("const.json", "match string with nul"): "nul_character",
    ("enum.json", "match string with nul"): "nul_character",
    ("format/date-time.json", "a valid date-time with a leap second, UTC"): "format",
    ("format/date-time.json", "a valid date-time with a leap second, with minus offset"): "format",
    ("format/time.json", "a valid time string with leap second, Zulu"): "format",
    ("format/time.json", "valid leap second, zero time-offset"): "format",
    ("format/time.json", "valid leap second, positive time-offset"): "format",
    ("format/time.json", "valid leap second, large positive time-offset"): "format",
    ("format/time.json", "valid leap second, negative time-offset"): "format",
    ("format/time.json", "valid leap second, large negative time-offset"): "format",
}


def _name(group: Group) -> str:
    return f"{group.file}: {group.description}"


@pytest.mark.parametrize("group", GROUPS, ids=_name)
def test_a_group_gets_the_verdicts_that_the_suite_expects(group: Group) -> None:
    contracts, refused = embedded(group)
    expected = REFUSED.get((group.file, group.description))
    if expected is not None:
        assert contracts == []
        assert expected in refused
        return
    assert contracts, f"{_name(group)} is neither run nor listed: {refused}"
    for made in contracts:
        wrong = []
        wanted = [(name, event, valid and (group.file, name) not in STRICTER) for name, event, valid in made.events]
        decoded = made.contract.decode(pa.array([event for _, event, _ in wanted], pa.binary()))
        accepted = set(decoded.places.tolist())
        for place, (name, event, valid) in enumerate(wanted):
            if (place in accepted) != valid or (not made.contract.check(event)) != valid:
                wrong.append((made.kind, name, event, valid, made.contract.check(event)))
        assert wrong == []


def test_what_is_stricter_is_rejected_for_the_rule_in_the_list() -> None:
    told = {
        (group.file, name): {reason.rule for reason in made.contract.check(event)}
        for group in GROUPS
        for made in embedded(group)[0]
        for name, event, _ in made.events
        if (group.file, name) in STRICTER
    }
    assert told == {name: {rule} for name, rule in STRICTER.items()}


def test_lists_name_groups_that_are_there() -> None:
    assert set(REFUSED) <= {(group.file, group.description) for group in GROUPS}


def test_the_fast_path_takes_most_of_what_is_valid() -> None:
    valid = fast = 0
    for made in (made for group in GROUPS for made in embedded(group)[0]):
        values = pa.array([event for _, event, allowed in made.events if allowed], pa.binary())
        valid += len(values)
        fast += len(made.contract.fast.decode(values)[1])
    assert fast > 0.9 * valid
