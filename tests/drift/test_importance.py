"""Permutation importance in service against training: what the model no longer lives on is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from streaming.drift.importance import importance, importance_changes


def score(frame: pd.DataFrame) -> np.ndarray:
    """A model that reads two of three columns."""
    return (1 / (1 + np.exp(-(frame["a"] + frame["b"])))).to_numpy()


def drawn(rows: int, seed: int, b: float = 1.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows whose outcome depends on a, and on b as strongly as told."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "unread"])
    return frame, rng.random(rows) < 1 / (1 + np.exp(-(frame["a"] + b * frame["b"])))


def test_what_the_model_does_not_read_has_none() -> None:
    found = importance(score, *drawn(800, 0))
    assert found["unread"] == (0, 0)
    assert found["a"].fall > 5 * found["a"].error > 0


def test_the_fall_is_that_of_scikit_learns_auroc() -> None:
    frame, positive = drawn(500, 1)
    found = importance(score, frame, positive, repeats=1, seed=4)
    shuffled = frame.assign(a=frame["a"].iloc[np.random.default_rng(4).permutation(500)].to_numpy())
    expected = roc_auc_score(positive, score(frame)) - roc_auc_score(positive, score(shuffled))
    assert found["a"].fall == pytest.approx(expected)


def test_a_feature_that_stopped_to_matter_is_named() -> None:
    then, now = importance(score, *drawn(3000, 2)), importance(score, *drawn(3000, 3, b=0.0))
    found = importance_changes(then, now)
    assert found[0].feature == "b"
    assert found[0].moved
    assert found[0].now < found[0].then
    assert not any(one.moved for one in importance_changes(then, importance(score, *drawn(3000, 4))))
