"""Keywords of a schema: one that is not understood is an error, never ignored."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from streaming.errors import ContractError


def check_keywords(found: Mapping[str, Any], known: Iterable[str], where: str, kind: str) -> None:
    """Raise ContractError if `found` uses a keyword not in `known`; the message suggests the nearest.

    Keywords that begin with x- and resemble none of ours belong to somebody else and may stand.
    """
    known = set(known)
    for keyword in found:
        if keyword in known:
            continue
        near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.75)
        if keyword.startswith("x-") and not near:
            continue
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(k for k in known if k[0] not in '$x'))}"
        raise ContractError(f"{where}: keyword {keyword!r} is not supported for a {kind}; {hint}")
