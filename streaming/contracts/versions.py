"""The versions of every event in a folder of schemas, and whether they go together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streaming.contracts.checksums import RECORD, check_folder, publish, schema_files
from streaming.contracts.evolution import Break, Compatibility, breaks_between
from streaming.contracts.schema import Contract, load_contract, load_contracts, read_schema
from streaming.errors import ContractError


class Incompatible(ContractError):
    """A version does not go together with the ones before it: mend it, or publish it with --allow-breaking."""


def event_versions(folder: Path) -> dict[str, list[Contract]]:
    """Event → its versions, ascending; records of the service's own are left out. Raises ContractError."""
    events = {path.parent.name for path in schema_files(folder).values() if RECORD not in read_schema(path)}
    return {event: [contract for _, contract in sorted(load_contracts(folder, event).items())] for event in sorted(events)}


def named_schema(name: str, folder: Path) -> Path:
    """The file that NAME means: a path ending in .json, or EVENT/VERSION below the folder, as credit/2 or credit/v2."""
    if name.endswith(".json"):
        return Path(name)
    event, _, version = name.rpartition("/")
    return folder / event / f"v{version.removeprefix('v')}.json"


def breaks_in_folder(folder: Path, compatibility: Compatibility, *, transitive: bool = False) -> dict[str, list[Break]]:
    """Event → breaks between its versions; events without any are left out. Raises ContractError."""
    found = {event: breaks_between(versions, compatibility, transitive=transitive) for event, versions in event_versions(folder).items()}
    return {event: breaks for event, breaks in found.items() if breaks}


def publish_one(
    path: Path, *, compatibility: Compatibility = "backward", transitive: bool = False, allow_breaking: bool = False
) -> list[Break]:
    """Publish the draft <folder>/<event>/v<N>.json: its checksum goes into <folder>/CHECKSUMS, and it never changes again.

    transitive: it is held to all versions before it, not to the last one alone. Returns the breaks that were allowed.
    Raises ContractError if it is no contract, is published already, skips a version, or follows one that is a draft yet;
    Incompatible if events of a version before it would be refused, unless allow_breaking.
    """
    folder, name = path.parent.parent, f"{path.parent.name}/{path.name}"
    contract = load_contract(path) if RECORD not in read_schema(path) else None
    states = check_folder(folder)
    if states.get(name) == "published":
        raise ContractError(f"{path}: is published already; a change is a new version")
    breaks: list[Break] = []
    if contract is not None:
        known = load_contracts(folder, contract.event)
        earlier = [version for version in sorted(known) if version < contract.version]
        if contract.version > 1 and contract.version - 1 not in known:
            raise ContractError(f"{path}: there is no v{contract.version - 1} before it; name it v{max(earlier, default=0) + 1}.json")
        _check_published(states, contract)
        held_to = [known[version] for version in (earlier if transitive else earlier[-1:])]
        found = breaks_between([*held_to, contract], compatibility, transitive=transitive)
        breaks = [one for one in found if one.newer == contract.version]
    if breaks and not allow_breaking:
        more = f" ({len(breaks) - 1} more; `scoring schema check` tells all)" if len(breaks) > 1 else ""
        raise Incompatible(f"{path}: {breaks[0].message}; or publish with --allow-breaking{more}")
    publish(folder, [name])
    return breaks


def _check_published(states: Mapping[str, str], contract: Contract) -> None:
    """Raise ContractError if the version before is a draft: it may change yet, and then nothing is known of this one."""
    event, before = contract.event, contract.version - 1
    if before and states[f"{event}/v{before}.json"] != "published":
        raise ContractError(f"{event} v{contract.version}: v{before} is a draft yet; publish {event}/{before} before it")
