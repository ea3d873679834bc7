"""Checksums of published schemas: what was published never changes; a change is a new version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from streaming.contracts.schema import load_contract, read_schema
from streaming.errors import ContractError

FILE = "CHECKSUMS"
RECORD = "x-record"
"""Top-level keyword of the schemas of the service's own records, which may be of any shape."""

REVIEW = "review:"
"""How a guess begins, in the `$comment` beside it."""


def check_folder(folder: Path) -> dict[str, str]:
    """Check every schema `<event>/v<N>.json` below a folder: keywords, and that published ones are as published.

    Returns name → "published" or "draft" (in no line of CHECKSUMS yet), sorted. Raises ContractError for the first fault.
    """
    published, present = published_sums(folder), schema_files(folder)
    for name in published:
        if name not in present:
            raise ContractError(f"{folder / name}: published, and not there any more; restore it from version control")
    for name, path in present.items():
        check_schema(path)
        if name in published and published[name] != _sum(path):
            raise ContractError(f"{path}: published, and changed since; restore it, and make the change a new version")
    _check_numbers(present)
    return {name: "published" if name in published else "draft" for name in present}


def publish(folder: Path, only: Collection[str] | None = None) -> list[str]:
    """Add drafts to CHECKSUMS, all or those named, after all schemas were checked. Returns the names added.

    Raises ContractError, also where a draft still has the marks of `scoring schema infer`: nobody has looked at those guesses.
    """
    drafts = [name for name, state in check_folder(folder).items() if state == "draft" and (only is None or name in only)]
    for name in drafts:
        if marked := list(_marked(read_schema(folder / name))):
            raise ContractError(
                f"{folder / name}: {len(marked)} guesses are marked for review, the first at {marked[0] or '/'}; "
                f'look at each and take its "$comment": "{REVIEW} …" away'
            )
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.writelines(f"{_sum(folder / name)}  {name}\n" for name in drafts)
    return drafts


def check_schema(path: Path) -> None:
    """Check one schema file: an event's as a contract, a record's as JSON Schema. Raises ContractError."""
    if RECORD not in read_schema(path):
        load_contract(path)


def schema_files(folder: Path) -> dict[str, Path]:
    """Schemas below a folder by their name `<event>/v<N>.json`, sorted. Raises ContractError if there is none."""
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.glob("*/*.json"))}
    if not paths:
        raise ContractError(f"{folder}: no schema <event>/v<N>.json below it; name the folder of the schemas")
    return paths


def published_sums(folder: Path) -> dict[str, str]:
    """Lines of CHECKSUMS (as sha256sum writes them): name → SHA-256, hex. Empty if there is no file. Raises ContractError."""
    path = folder / FILE
    if not path.is_file():
        return {}
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if any(len(line) != 2 for line in lines):
        raise ContractError(f"{path}: a line that is not `sha256  name`; restore it from version control")
    names = [name for _, name in lines]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise ContractError(f"{path}: {twice[0]} stands there twice; restore it from version control")
    return {name: digest for digest, name in lines}


def _marked(schema: Any, path: str = "") -> Iterator[str]:
    """Where a schema has marks of review, as JSON Pointers."""
    if isinstance(schema, dict):
        if str(schema.get("$comment", "")).startswith(REVIEW):
            yield path
        for name, part in schema.items():
            yield from _marked(part, f"{path}/{name}")


def registry_number(name: str, digest: str) -> int:
    """The number of a schema in a registry, 1 to 2^30 - 1, from its line of CHECKSUMS alone: neither other lines nor their order matter.

    name: `<event>/v<N>.json`; digest: SHA-256 of the file, hex.
    """
    return int.from_bytes(sha256(f"{digest}  {name}".encode()).digest()[:8], "big") % (2**30 - 1) + 1


def _check_numbers(present: Mapping[str, Path]) -> None:
    """Two of a thousand schemas have the same number once in two thousand folders; told while one is a draft, that is easily mended."""
    names: dict[int, str] = {}
    for name, path in present.items():
        other = names.setdefault(registry_number(name, _sum(path)), name)
        if other != name:
            raise ContractError(f"{path}: has the same number in a registry as {other}; change a word in the description of the draft")


def _sum(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
