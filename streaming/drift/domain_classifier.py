"""Joint drift by a domain classifier: can a model tell the window's rows from the reference's? AUROC 0.5 means that it cannot.

Source: Lopez-Paz & Oquab 2017, ICLR, "Revisiting Classifier Two-Sample Tests"; the null of a cross-validated AUROC is that of
Mann–Whitney's U, widened for the folds that share rows (Nadeau & Bengio 2003, Machine Learning 52(3)).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import OrdinalEncoder

from streaming.drift.reconstruction import JointDrift
from streaming.metrics.labelled_cells import Array

ALPHA = 0.01
FOLDS = 5
SEED = 0


class Separation(NamedTuple):
    """How well rows are told apart, and by what. importance: fall of the AUROC when a column is shuffled, by column, largest first."""

    verdict: JointDrift
    importance: dict[str, float]


def domain_classifier(reference: pd.DataFrame, window: pd.DataFrame, *, alpha: float = ALPHA, seed: int = SEED) -> JointDrift:
    """Cross-validated AUROC of boosted trees that tell a window from a reference, against its analytic null.

    reference, window: the same columns, numbers (missing NaN) or texts (missing None), at least 50 rows each.
    One-sided: below one half is chance. Raises ValueError for fewer rows than folds.
    """
    matrix, domain = _matrix(reference, window)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(_trees(seed), matrix, domain, cv=folds, method="predict_proba")[:, 1]
    return auroc_verdict(_mean_auroc(domain, scores, [test for _, test in folds.split(matrix, domain)]), len(reference), len(window), alpha)


def separation(reference: pd.DataFrame, window: pd.DataFrame, *, alpha: float = ALPHA, seed: int = SEED) -> Separation:
    """As `domain_classifier`, with the columns that tell the two apart: permutation importance on rows held out."""
    matrix, domain = _matrix(reference, window)
    train, test = next(StratifiedKFold(2, shuffle=True, random_state=seed).split(matrix, domain))
    model = _trees(seed).fit(matrix[train], domain[train])
    found = permutation_importance(model, matrix[test], domain[test], scoring="roc_auc", n_repeats=3, random_state=seed)
    ranked = sorted(zip(map(str, reference.columns), found.importances_mean, strict=True), key=lambda pair: -pair[1])
    return Separation(domain_classifier(reference, window, alpha=alpha, seed=seed), {name: float(value) for name, value in ranked})


def auroc_verdict(auroc: float, reference: int, window: int, alpha: float) -> JointDrift:
    """The verdict on an AUROC of so many rows of each side, by the variance that U has where nothing differs.

    In a fold of n/k and m/k rows it is v = k (n + m + k) / (12 n m); the mean of k folds, whose models share rows, has
    v (1/k + 1/(k - 1)), not v / k: on the churn table the latter is too narrow by a third, the former wide enough.
    """
    of_fold = FOLDS * (reference + window + FOLDS) / (12 * reference * window)
    spread = math.sqrt(of_fold * (1 / FOLDS + 1 / (FOLDS - 1)))
    p_value = 1 - NormalDist().cdf((auroc - 0.5) / spread)
    high = 0.5 + NormalDist().inv_cdf(1 - alpha) * spread
    return JointDrift("domain_classifier", auroc, 0.0, high, p_value, p_value < alpha)


def _mean_auroc(domain: np.ndarray, scores: Array, folds: list[np.ndarray]) -> float:
    """Of the folds, each by its own model: scores of two models are not to be compared."""
    return float(np.mean([roc_auc_score(domain[fold], scores[fold]) for fold in folds]))


def _matrix(reference: pd.DataFrame, window: pd.DataFrame) -> tuple[Array, np.ndarray]:
    """Rows of both as numbers, texts as codes, and which side each is of."""
    both = pd.concat([reference, window[list(reference.columns)]], ignore_index=True)
    texts = [name for name in both.columns if not pd.api.types.is_numeric_dtype(both[name])]
    if texts:
        both[texts] = OrdinalEncoder(encoded_missing_value=-1).fit_transform(both[texts].astype(object).where(both[texts].notna(), None))
    return both.to_numpy(dtype=np.float64, na_value=np.nan), np.repeat([0, 1], [len(reference), len(window)])


def _trees(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False, random_state=seed)
