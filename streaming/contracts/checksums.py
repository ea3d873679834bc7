"""Checksums of published schemas: what was published never changes; a change is a new version."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from streaming.contracts.schema import load_contract, read_schema
from streaming.errors import ContractError

FILE = "CHECKSUMS"
RECORD = "x-record"
"""Top-level keyword of the schemas of the service's own records, which may be of any shape."""


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
    return {name: "published" if name in published else "draft" for name in present}


def publish(folder: Path, only: Collection[str] | None = None) -> list[str]:
    """Add drafts to CHECKSUMS, all or those named, after all schemas were checked. Returns the names added. Raises ContractError."""
    drafts = [name for name, state in check_folder(folder).items() if state == "draft" and (only is None or name in only)]
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
    return {name: digest for digest, name in lines}


def _sum(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
