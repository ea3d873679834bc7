"""Quality of a binary classifier before its labels come: confidence-based estimation.

Scores are recalibrated by isotonic regression on a labelled reference; a recalibrated score is the chance that its row is
positive, so that the expected confusion matrix at every threshold follows from the scores alone (Kivimäki et al. 2025, Journal
of Artificial Intelligence Research 82, "Confidence-based Estimators for Predictive Performance in Model Monitoring").

*Assumption.* The relation of score to outcome is that of the reference: it sees drift of the inputs, as far as the score tells of
it, and is blind to concept drift. Hence `streaming.truth.estimate_error`, which holds it to the truth as soon as that comes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streaming.contracts.statistics import sketches
from streaming.metrics.estimate_records import Figure
from streaming.metrics.labelled_cells import Array, LabelledCells
from streaming.metrics.sketches import Histogram
from streaming.truth.cells import CellScores, cell_scores, figures

ASSUMPTION = "the relation of score to outcome is that of the reference; blind to concept drift"
LEVEL = 0.95
DRAWS = 400
SEED = 0


def recalibrated(reference: LabelledCells) -> Array:
    """Chance of the positive class by cell, ascending, shape (cells,): weighted isotonic regression of the reference's shares."""
    rows = np.asarray(reference.rows, dtype=np.float64)
    held = rows > 0
    shares = np.asarray(reference.positives, dtype=np.float64)[held] / rows[held]
    places = np.arange(len(rows), dtype=np.float64)
    return np.interp(places, places[held], pooled(shares, rows[held]))


def pooled(values: Array, weights: Array) -> Array:
    """The ascending values nearest to `values` by weighted squares, shape (n,): neighbours out of order are pooled.

    Pool adjacent violators (Ayer et al. 1955, Annals of Mathematical Statistics 26(4)); here, because the drift job's workers
    do without scikit-learn.

    >>> pooled(np.array([0.1, 0.4, 0.2]), np.array([1.0, 1.0, 3.0])).tolist()
    [0.1, 0.25, 0.25]
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, size = value, weight, 1
        while blocks and blocks[-1][0] >= mean:
            before, heavy, many = blocks.pop()
            mean, total, size = (before * heavy + mean * total) / (heavy + total), heavy + total, many + size
        blocks.append((mean, total, size))
    return np.repeat([block[0] for block in blocks], [block[2] for block in blocks])


def cells_of_scores(reference: LabelledCells, scores: Array) -> Array:
    """Rows by cell of exact scores, shape (rows,): those of the scoring log."""
    places = np.searchsorted(np.asarray(reference.edges), scores, side="left")
    return np.bincount(places, minlength=len(reference.rows)).astype(np.float64)


def cells_of_histogram(reference: LabelledCells, bin_edges: Sequence[float], histogram: Histogram) -> Array:
    """Rows by cell of a histogram over the score's frozen bins: those of a metrics record. Counts become fractions.

    Inside a bin the rows spread over the cells as the reference's do. Raises ValueError if the cells do not part the bins.
    """
    edges = np.asarray(reference.edges)
    if len(histogram.counts) != len(bin_edges) + 1 or not np.isin(bin_edges, edges).all():
        raise ValueError("the labelled cells do not part the score's bins; freeze them with the bins' edges")
    upper = np.append(edges, np.inf)
    owner = np.searchsorted(np.asarray(bin_edges), upper, side="left")
    weight = np.maximum(np.asarray(reference.rows, dtype=np.float64), 1e-9)  # a bin that the reference left empty is spread evenly
    within = weight / np.bincount(owner, weights=weight)[owner]
    return np.asarray(histogram.counts, dtype=np.float64)[owner] * within


def cells_of_sketch(reference: LabelledCells, sketch: bytes) -> Array:
    """Rows by cell of a KLL sketch of scores; each is off by at most the sketch's rank error times the rows."""
    return np.asarray(sketches.counts_between(sketch, reference.edges))


def estimate(reference: LabelledCells, cells: Array, *, level: float = LEVEL, draws: int = DRAWS, seed: int = SEED) -> dict[str, Figure]:
    """Estimated figures of a window (names: `streaming.truth.cells.FIGURES`), from its rows by cell, shape (cells,).

    The value is the expectation, corrected by what it lacks on the reference itself. The band is that of simulated truth: in each
    draw the chances vary as the size of the reference leaves them uncertain (Beta, by block of equal chance), and the window's
    outcomes by those chances (binomial).
    A figure that a window leaves undefined in a twentieth of the draws, for no row is positive, say, is left out.
    """
    if cells.sum() <= 0:
        return {}
    chances, scores = recalibrated(reference), cell_scores(reference)
    expected, offsets = _expected(cells, chances, scores), _offsets(reference, chances, scores)
    positives, negatives = _drawn(reference, chances, cells, draws, np.random.default_rng(seed))
    found = {}
    for name, drawn in figures(positives, negatives, scores).items():
        known = drawn[~np.isnan(drawn)]
        if np.isnan(expected[name]) or len(known) < 0.95 * draws:
            continue
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
        told = np.array([float(expected[name]), min(float(expected[name]), low), max(float(expected[name]), high)]) + offsets[name]
        found[name] = Figure(*np.clip(told, 0, np.inf if name == "log_loss" else 1).tolist())
    return found


def _expected(cells: Array, chances: Array, scores: CellScores) -> dict[str, Array]:
    return figures(cells * chances, cells * (1 - chances), scores, self_pairs=float((cells * chances * (1 - chances)).sum()))


def _offsets(reference: LabelledCells, chances: Array, scores: CellScores) -> dict[str, float]:
    """What the estimate of the reference itself lacks to what was measured there, by figure.

    Isotonic regression learns the chance order of its own rows too, so that a ranking looks better than it is: by 0.01 of AUROC in a
    reference of 1,500 customers.
    """
    rows, hits = np.asarray(reference.rows, dtype=np.float64), np.asarray(reference.positives, dtype=np.float64)
    expected, measured = _expected(rows, chances, scores), figures(hits, rows - hits, scores)
    return {name: float(np.nan_to_num(measured[name] - expected[name])) for name in expected}


def _drawn(reference: LabelledCells, chances: Array, cells: Array, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Positives and negatives by cell in each draw, both of shape (draws, cells)."""
    block = np.unique(chances, return_inverse=True)[1]
    rows = np.bincount(block, weights=reference.rows)
    positives = np.bincount(block, weights=reference.positives)
    drawn = rng.beta(positives + 0.5, np.maximum(rows - positives, 0) + 0.5, size=(draws, len(rows)))
    # A fraction of a row is one in its share of the draws; the offset is one for a draw, so that totals stay within one row.
    edges = np.floor(np.cumsum(np.concatenate([[0.0], cells]))[None, :] + rng.random((draws, 1)))
    whole = np.diff(edges, axis=1).astype(np.int64)
    hits = rng.binomial(whole, drawn[:, block]).astype(np.float64)
    return hits, whole - hits
