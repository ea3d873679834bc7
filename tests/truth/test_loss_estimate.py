"""Loss estimated without labels: follows harder windows, its file holds no pickle, its band what it says."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.metrics import mean_absolute_error, mean_squared_error, root_mean_squared_error

from streaming.errors import ModelError
from streaming.truth.loss_estimate import LOSSES, decode_loss, encode_loss, estimate_loss, fit_loss


def drawn(rows: int, seed: int, hard: float = 0.3) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows of which a share is hard: their truth is ten times as far from the prediction. Features, predictions, truth."""
    rng = np.random.default_rng(seed)
    difficult = rng.random(rows) < hard
    size = rng.uniform(10, 50, rows)
    frame = pd.DataFrame({"kind": np.where(difficult, "hard", "easy").astype(object), "size": size})
    return frame, size * 2, size * 2 + rng.normal(0, 1, rows) * np.where(difficult, 10, 1)


FITTED = {name: fit_loss(name, *drawn(1500, 0)) for name in ("mae", "rmse")}


@pytest.mark.parametrize("hard", [0.05, 0.3, 0.8])
def test_the_estimate_follows_how_hard_the_rows_are(hard: float) -> None:
    features, predicted, truth = drawn(6000, 1, hard)
    mae, rmse = (estimate_loss(FITTED[name], features, predicted) for name in ("mae", "rmse"))
    assert mae.value == pytest.approx(mean_absolute_error(truth, predicted), rel=0.15)
    assert rmse.value == pytest.approx(root_mean_squared_error(truth, predicted), rel=0.2)


@pytest.mark.slow
def test_the_band_holds_the_measured_loss_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        features, predicted, truth = drawn(200, 100 + seed)
        band = estimate_loss(FITTED["mae"], features, predicted)
        held += band.low <= mean_absolute_error(truth, predicted) <= band.high
    assert 86 <= held < 100  # 95 % nominal


def test_losses_are_scikit_learns() -> None:
    _, predicted, truth = drawn(100, 2)
    assert LOSSES["mae"](truth, predicted).mean() == pytest.approx(mean_absolute_error(truth, predicted))
    assert LOSSES["mse"](truth, predicted).mean() == pytest.approx(mean_squared_error(truth, predicted))


def test_a_model_survives_its_file() -> None:
    features, predicted, _ = drawn(50, 3)
    read = decode_loss(encode_loss(FITTED["mae"]))
    assert estimate_loss(read, features, predicted) == estimate_loss(FITTED["mae"], features, predicted)
    assert read.columns == FITTED["mae"].columns


def test_a_missing_column_is_told() -> None:
    features, predicted, _ = drawn(50, 3)
    with pytest.raises(ModelError, match="column kind is missing"):
        estimate_loss(FITTED["mae"], features.drop(columns="kind"), predicted)


def test_a_strange_file_is_refused_and_its_types_are_not_made() -> None:
    with pytest.raises(ModelError, match="no loss model"):
        decode_loss(b"x")
    content = encode_loss(FITTED["mae"])
    bad = skops.io.dumps({"pipeline": zipfile.ZipFile})
    with pytest.raises(ModelError, match="not trusted"):
        decode_loss(content[: content.index(b"\n") + 1] + bad)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert not [name for name in file.namelist() if name.endswith(".pkl")]
