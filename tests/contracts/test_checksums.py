from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from streaming.contracts.checksums import check_folder, publish
from streaming.errors import ContractError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree("schemas", tmp_path / "schemas"))


def test_schemas_of_the_project_are_as_published() -> None:
    assert check_folder(Path("schemas"))["customer_activity/v1.json"] == "published"


def test_a_changed_published_schema_is_an_error(folder: Path) -> None:
    path = folder / "customer_activity" / "v1.json"
    path.write_text(path.read_text().replace('"maximum": 150', '"maximum": 151'))
    with pytest.raises(ContractError, match="published, and changed since"):
        check_folder(folder)


def test_a_removed_published_schema_is_an_error(folder: Path) -> None:
    shutil.rmtree(folder / "customer_activity")
    with pytest.raises(ContractError, match="not there any more"):
        check_folder(folder)


def test_a_draft_may_change_until_it_is_published(folder: Path) -> None:
    first = (folder / "customer_activity" / "v1.json").read_text()
    draft = folder / "customer_activity" / "v99.json"
    draft.write_text(first)
    assert check_folder(folder)["customer_activity/v99.json"] == "draft"
    draft.write_text(first + "\n")
    assert "customer_activity/v99.json" in publish(folder)
    assert set(check_folder(folder).values()) == {"published"}
    draft.write_text(first)
    with pytest.raises(ContractError, match="changed since"):
        check_folder(folder)


def test_unsupported_keyword_is_found(folder: Path) -> None:
    draft = folder / "customer_activity" / "v99.json"
    draft.write_text((folder / "customer_activity" / "v1.json").read_text().replace('"maxLength"', '"maxLenght"', 1))
    with pytest.raises(ContractError, match="did you mean maxLength"):
        check_folder(folder)
