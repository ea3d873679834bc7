"""Simulated streams of the churn table for the proof of drift detectors: windows of real customers, with no drift or a known one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from streaming.local.telco import CATEGORICAL, NUMERIC, TARGET, load_telco

REFERENCE = 3500
ROWS = 290  # of a window: twelve of them are what the reference leaves of 7,043 customers
WINDOWS = 12
START = 4  # first window with drift
PERIOD = 2  # windows that a recurring drift is there, and away again

Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


class Stream(NamedTuple):
    """A reference and the windows after it; `drifted` says of each whether something was changed in it."""

    name: str
    seed: int
    reference: pd.DataFrame
    windows: list[pd.DataFrame]
    drifted: list[bool]


def price(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:  # noqa: ARG001 (a Change)
    """A price rise of 20 %, and of what was paid in all: two features."""
    return frame.assign(monthly_charges=frame["monthly_charges"] * 1.2, total_charges=frame["total_charges"] * 1.2)


def contract(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One feature: 30 % of the customers have another contract, month to month, whatever they had."""
    chosen = rng.random(len(frame)) < 0.3
    return frame.assign(contract=frame["contract"].where(~chosen, "Month-to-month"))


def unjoined(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Joint only: monthly charges of another customer; every single column is distributed as before."""
    return frame.assign(monthly_charges=rng.permutation(frame["monthly_charges"].to_numpy()))


def _share(change: Change, share: float) -> Change:
    def partly(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        chosen = rng.random(len(frame)) < share
        return pd.concat([frame[~chosen], change(frame[chosen], rng)])

    return partly


def _at(name: str, window: int) -> Change | None:
    """What is changed in a window of a stream of this name."""
    since = window - START
    if name == "no drift" or since < 0:
        return None
    if name == "gradual":
        return _share(price, min(1.0, (since + 1) / 6))
    if name == "recurring":
        return price if since // PERIOD % 2 == 0 else None
    return {"abrupt": price, "one feature": contract, "joint only": unjoined}[name]


NAMES = ("no drift", "abrupt", "gradual", "recurring", "one feature", "joint only")


def streams(names: tuple[str, ...], seeds: range) -> Iterator[Stream]:
    """Streams by name and seed; each has a random split of the customers of its own, so that nothing but the change differs."""
    table = load_telco().drop(columns=TARGET).reset_index(drop=True)
    table = table.astype({**dict.fromkeys(CATEGORICAL, object), **dict.fromkeys(NUMERIC, "float64")})
    for seed in seeds:
        for name in names:
            rng = np.random.default_rng(seed)
            order = rng.permutation(len(table))
            rest = order[REFERENCE:]
            changes = [_at(name, window) for window in range(WINDOWS)]
            parts = [table.iloc[rest[window * ROWS : (window + 1) * ROWS]] for window in range(WINDOWS)]
            windows = [change(part, rng) if change else part for part, change in zip(parts, changes, strict=True)]
            yield Stream(name, seed, table.iloc[order[:REFERENCE]], windows, [change is not None for change in changes])
