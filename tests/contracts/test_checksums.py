from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from streaming.contracts.checksums import check_folder, publish, registry_number
from streaming.errors import ContractError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree("schemas", tmp_path / "schemas"))


def test_schemas_of_the_project_are_as_published() -> None:
    assert check_folder(Path("schemas"))["customer_activity/v1.json"] == "published"


def test_what_was_published_stays_published() -> None:
    """The fixture is a copy of all lines that were released: lines are added to it, none is changed or taken away."""
    released = Path("tests/fixtures/published_checksums").read_text()
    assert released.count("\n") >= 7
    assert Path("schemas/CHECKSUMS").read_text().startswith(released)


def test_a_changed_published_schema_is_an_error(folder: Path) -> None:
    path = folder / "customer_activity" / "v1.json"
    path.write_text(path.read_text().replace('"maximum": 150', '"maximum": 151'))
    with pytest.raises(ContractError, match="published, and changed since"):
        check_folder(folder)


def test_a_removed_published_schema_is_an_error(folder: Path) -> None:
    shutil.rmtree(folder / "customer_activity")
    with pytest.raises(ContractError, match="not there any more"):
        check_folder(folder)


def test_a_schema_that_stands_there_twice_is_an_error(folder: Path) -> None:
    path = folder / "CHECKSUMS"
    line = path.read_text().splitlines()[0]
    path.write_text(path.read_text() + line.replace(line[:8], "0" * 8) + "\n")
    with pytest.raises(ContractError, match=f"{line.split()[1]} stands there twice"):
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


def test_two_schemas_of_one_number_in_a_registry_are_told_while_one_is_a_draft(folder: Path) -> None:
    text = (folder / "customer_activity" / "v1.json").read_bytes()
    numbers: list[dict[int, bytes]] = [{}, {}]
    for place, found in enumerate(numbers, start=98):
        for n in range(90_000):
            known = sha256(text)
            blanks = f"{n:017b}".translate({48: " ", 49: "\t"}).encode()  # JSON goes on to mean the same
            known.update(blanks)
            found[registry_number(f"customer_activity/v{place}.json", known.hexdigest())] = blanks
    number = next(iter(numbers[0].keys() & numbers[1].keys()))
    for place, found in enumerate(numbers, start=98):
        (folder / "customer_activity" / f"v{place}.json").write_bytes(text + found[number])
    with pytest.raises(ContractError, match="same number in a registry as customer_activity/v98.json; change a word"):
        check_folder(folder)


def test_numbers_in_a_registry_are_for_ever() -> None:
    """Messages carry them. Another number for a published schema is a mistake in the code."""
    digest = "c26b637e0db270e7fa4434c855ac420d91af3269a69d3708e5690bf0b60abe21"
    assert registry_number("customer_activity/v1.json", digest) == 502_150_736
    assert len({registry_number(name, sha) for name in "ab" for sha in "01"}) == 4
