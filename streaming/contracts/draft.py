"""A draft of a schema as a file."""

from __future__ import annotations

from pathlib import Path

from streaming.errors import ContractError


def write_new(path: Path, text: str, way_out: str) -> None:
    """Write a file that is not there yet; folders on the way are made, and what is there is never overwritten.

    way_out: what the user is to do else, for the message. Raises ContractError if it is there, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ContractError(f"{path}: is there already; {way_out}") from None
    except OSError as error:
        raise ContractError(f"{path}: cannot be written ({error.strerror}); {way_out}") from None
