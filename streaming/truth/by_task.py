"""The figures of each task, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from streaming.truth import binary_figures, multiclass_figures, regression_figures
from streaming.truth.declared import Task, Truth
from streaming.truth.figures import NO_ROWS, Figures
from streaming.truth.rows import Rows

_MAKERS: Mapping[Task, Callable[[Rows, Truth], Figures]] = {
    "binary": binary_figures.figures,
    "regression": regression_figures.figures,
    "multiclass": multiclass_figures.figures,
}


def figures_of(rows: Rows, truth: Truth) -> Figures:
    """The figures of labelled rows by the declared task; without rows, or weight in them, one reason in their place."""
    if not len(rows.y) or not rows.weight.sum() > 0:
        return Figures(absent={"all": NO_ROWS})
    order = np.argsort(-rows.score, kind="stable")  # sorted rows make every draw of the bootstrap cheap
    told = None if rows.probabilities is None else rows.probabilities[order]
    return _MAKERS[truth.task](
        rows._replace(y=rows.y[order], score=rows.score[order], weight=rows.weight[order], probabilities=told), truth
    )
