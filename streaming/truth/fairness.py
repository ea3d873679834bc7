"""Are groups of customers served alike: how often they are chosen, how often rightly, how often wrongly, and how honest the score is.

Rates are those of M. Hardt, E. Price, N. Srebro 2016 (equalised odds) and of demographic parity. Each group stands beside the
reference, the one with the most predictions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from msgspec import Struct

from streaming.metrics.quality_record import FairnessGroup, Figure
from streaming.truth.declared import Truth
from streaming.truth.interval import difference, effective, mean_interval, ratio, wilson
from streaming.truth.mean import mean
from streaming.truth.rows import labelled_rows, values_of

SELECTION, TRUE_POSITIVE, FALSE_POSITIVE, CALIBRATION = "selection_rate", "true_positive_rate", "false_positive_rate", "calibration_gap"


class Share(Struct, frozen=True):
    """A share, and of how many (effective) rows."""

    value: float
    rows: float

    @property
    def figure(self) -> Figure:
        """With Wilson's interval."""
        return Figure(self.value, *wilson(self.value, self.rows), "wilson")


class Group(Struct, frozen=True):
    """What is known of one group."""

    name: str
    predictions: int
    labels: int
    shares: dict[str, Share]
    gap: Figure | None
    """mean of label - score, with a normal interval"""


def fairness_of(frame: pd.DataFrame, truth: Truth) -> list[FairnessGroup]:
    """Every group of the declared columns, by model version; nothing but for binary tasks.

    frame: predictions that were served, with the declared columns; a column that is not there is left out.
    """
    if truth.task != "binary":
        return []
    return [one for column in truth.fairness.columns if column in frame.columns for one in _column(frame, column, truth)]


def _column(frame: pd.DataFrame, column: str, truth: Truth) -> Iterator[FairnessGroup]:
    texts = frame[column].map(text_of, na_action="ignore")
    for (model, version), rows in frame.groupby(["model", "model_version"], sort=True):
        own = texts.loc[rows.index]
        groups = [_group(name, rows[own == name], truth) for name in values_of(own, truth.slice_values)]
        if not groups:
            continue
        reference = max(groups, key=lambda group: group.predictions)
        for group in groups:
            yield _beside(column, group, reference, str(model), str(version), truth)


def text_of(value: object) -> str:
    """A field's value as the name of a group or slice: a whole number without its decimal point, for missing values make integers float.

    >>> text_of(1.0), text_of("Two year"), text_of(True)
    ('1', 'Two year', 'True')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _group(name: str, frame: pd.DataFrame, truth: Truth) -> Group:
    rows = labelled_rows(frame, truth)
    chosen, positive = rows.score >= truth.threshold, rows.y == 1
    selected = float((frame["score"] >= truth.threshold).mean())
    shares = {SELECTION: Share(selected, len(frame))}
    for measure, among in ((TRUE_POSITIVE, positive), (FALSE_POSITIVE, ~positive)):
        share = mean(chosen[among].astype(np.float64), rows.weight[among])
        if share is not None:
            shares[measure] = Share(share, effective(rows.weight[among]))
    gap, ends = mean(rows.y - rows.score, rows.weight), mean_interval(rows.y - rows.score, rows.weight)
    low, high = ends or (None, None)
    return Group(name, len(frame), len(rows.y), shares, None if gap is None else Figure(gap, low, high, "normal" if ends else "none"))


def _beside(column: str, group: Group, reference: Group, model: str, version: str, truth: Truth) -> FairnessGroup:
    judged = min(group.predictions, reference.predictions) >= truth.fairness.min_rows
    both = [] if group is reference else [name for name in group.shares if name in reference.shares]
    differences = {name: _difference(group.shares[name], reference.shares[name]) for name in both}
    ratios = {name: made for name in both if (made := _ratio(group.shares[name], reference.shares[name])) is not None}
    rates = {name: share.figure for name, share in group.shares.items()}
    return FairnessGroup(
        column=column,
        group=group.name,
        reference=group is reference,
        model=model,
        model_version=version,
        predictions=group.predictions,
        labels=group.labels,
        judged=judged,
        rates=rates if group.gap is None else rates | {CALIBRATION: group.gap},
        differences=differences,
        ratios=ratios,
        beyond=_beyond(differences, ratios, group, reference, truth) if judged else {},
    )


def _difference(group: Share, reference: Share) -> Figure:
    return Figure(group.value - reference.value, *difference(group.value, group.rows, reference.value, reference.rows), "newcombe")


def _ratio(group: Share, reference: Share) -> Figure | None:
    if reference.value <= 0:
        return None
    ends = ratio(group.value, group.rows, reference.value, reference.rows)
    low, high = ends or (None, None)
    return Figure(group.value / reference.value, low, high, "katz" if ends else "none")


def _beyond(differences: dict[str, Figure], ratios: dict[str, Figure], group: Group, reference: Group, truth: Truth) -> dict[str, float]:
    """Measures beyond their bound whose interval leaves no doubt that the groups differ at all; a rate of too few rows is not judged."""
    bound, least = truth.fairness.max_difference, truth.fairness.min_ratio
    enough = {name for name in differences if min(group.shares[name].rows, reference.shares[name].rows) >= truth.fairness.min_rows}
    beyond = {name: bound for name in sorted(enough) if abs(differences[name].value) > bound and _apart(differences[name], 0.0)}
    selection = ratios.get(SELECTION)
    if least and selection is not None and not least <= selection.value <= 1 / least and _apart(selection, 1.0):
        beyond[f"{SELECTION}_ratio"] = least
    return beyond


def _apart(figure: Figure, same: float) -> bool:
    return figure.low is None or figure.high is None or not figure.low <= same <= figure.high
