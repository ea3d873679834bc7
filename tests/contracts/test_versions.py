from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from contract_versions import document

from streaming.contracts.checksums import check_folder
from streaming.contracts.versions import Incompatible, breaks_in_folder, event_versions, named_schema, publish_one
from streaming.errors import ContractError

INT = {"type": "integer", "minimum": 0, "maximum": 100_000}


def write(folder: Path, number: int, fields: dict[str, Any]) -> Path:
    path = folder / "thing" / f"v{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(fields)))
    return path


def test_a_draft_is_published_once(tmp_path: Path) -> None:
    path = write(tmp_path, 1, {"n": INT})
    other = write(tmp_path, 2, {"n": INT, "m": {**INT, "x-default": 0}})
    assert publish_one(path) == []
    assert check_folder(tmp_path) == {"thing/v1.json": "published", "thing/v2.json": "draft"}
    with pytest.raises(ContractError, match="is published already"):
        publish_one(path)
    assert publish_one(other) == []
    assert set(check_folder(tmp_path).values()) == {"published"}


def test_an_incompatible_draft_is_refused_unless_that_is_wanted(tmp_path: Path) -> None:
    publish_one(write(tmp_path, 1, {"n": INT}))
    path = write(tmp_path, 2, {"n": {**INT, "minimum": 1}, "m": INT})
    with pytest.raises(Incompatible, match=r"/n: minimum: .*old producers break .*--allow-breaking \(1 more"):
        publish_one(path)
    assert check_folder(tmp_path)["thing/v2.json"] == "draft"
    assert [one.path for one in publish_one(path, allow_breaking=True)] == ["/n", "/m"]
    assert check_folder(tmp_path)["thing/v2.json"] == "published"


def test_a_version_follows_the_one_before_it(tmp_path: Path) -> None:
    write(tmp_path, 1, {"n": INT})
    with pytest.raises(ContractError, match=r"there is no v2 before it; name it v2\.json"):
        publish_one(write(tmp_path, 3, {"n": INT}))


def test_the_version_before_is_published_first(tmp_path: Path) -> None:
    paths = [write(tmp_path, number, {"n": INT}) for number in (1, 2, 3)]
    publish_one(paths[0])
    with pytest.raises(ContractError, match="^thing v3: v2 is a draft yet; publish thing/2 before it$"):
        publish_one(paths[2])
    assert check_folder(tmp_path)["thing/v3.json"] == "draft"
    assert [publish_one(path) for path in paths[1:]] == [[], []]


def test_a_draft_is_held_to_all_versions_before_it_where_that_is_wanted(tmp_path: Path) -> None:
    for number, top in enumerate((9, 5), start=1):
        publish_one(write(tmp_path, number, {"n": {**INT, "maximum": top}}), allow_breaking=True)
    path = write(tmp_path, 3, {"n": {**INT, "maximum": 5}})
    with pytest.raises(Incompatible, match="events of v1 are refused by v3"):
        publish_one(path, transitive=True)
    assert publish_one(path) == []


def test_breaks_are_told_by_event(tmp_path: Path) -> None:
    write(tmp_path, 1, {"n": INT})
    write(tmp_path, 2, {"n": INT, "m": INT})
    assert {event: [one.path for one in found] for event, found in breaks_in_folder(tmp_path, "full").items()} == {"thing": ["/m", "/m"]}


def test_records_of_our_own_are_no_events() -> None:
    assert list(event_versions(Path("schemas"))) == ["customer_activity"]


def test_a_name_is_a_file_or_an_event_and_its_version() -> None:
    assert named_schema("thing/2", Path("schemas")) == named_schema("thing/v2", Path("schemas")) == Path("schemas/thing/v2.json")
    assert named_schema("other/thing/v2.json", Path("schemas")) == Path("other/thing/v2.json")
