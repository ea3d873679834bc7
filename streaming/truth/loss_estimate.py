"""Quality of a regression before its labels come: direct loss estimation.

A second model learns, on a labelled reference, how large the first one's loss is from the features and its prediction; its mean
over a window estimates the window's mean loss (NannyML's DLE; the losses are those of scikit-learn's measures).

*Assumption.* Given features and prediction, the loss is distributed as in the reference: it sees windows that move to harder or
easier rows, and is blind to concept drift.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from skops.io.exceptions import UntrustedTypesFoundException

from streaming.errors import ModelError
from streaming.metrics.estimate_records import Figure
from streaming.metrics.labelled_cells import Array
from streaming.models.formats.skops import TRUSTED

ASSUMPTION = "given features and prediction, the loss is distributed as in the reference; blind to concept drift"
LEVEL = 0.95
SEED = 0
PREDICTION = "_prediction"
_HEADER = b"loss-estimate/1\n"

LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "mae": lambda truth, predicted: np.abs(truth - predicted),
    "mse": lambda truth, predicted: (truth - predicted) ** 2,
    "rmse": lambda truth, predicted: (truth - predicted) ** 2,
    "mape": lambda truth, predicted: np.abs(truth - predicted) / np.maximum(np.abs(truth), np.finfo(np.float64).eps),
    "msle": lambda truth, predicted: (np.log1p(truth) - np.log1p(predicted)) ** 2,
    "rmsle": lambda truth, predicted: (np.log1p(truth) - np.log1p(predicted)) ** 2,
}
"""By figure: the loss of a row whose mean the figure is; rmse and rmsle are the root of it."""
ROOTS = {"rmse", "rmsle"}


@dataclass(frozen=True)
class LossModel:
    """A fitted model of the loss. residual: standard deviation of loss minus estimate on rows it was not fitted on; rows: of these."""

    figure: str
    pipeline: Any
    columns: tuple[str, ...]
    residual: float
    rows: int


def fit_loss(figure: str, features: pd.DataFrame, predicted: Array, truth: Array) -> LossModel:
    """Learn the loss on a labelled reference, rows that the first model was not fitted on.

    features: one row each, numbers (missing NaN) or texts; predicted, truth: float64, shape (rows,). figure: one of LOSSES.
    """
    frame = _with_prediction(features, predicted)
    losses = LOSSES[figure](truth, predicted)
    folds = KFold(5, shuffle=True, random_state=SEED)
    unseen = cross_val_predict(_untrained(frame), frame, losses, cv=folds)
    return LossModel(figure, _untrained(frame).fit(frame, losses), tuple(frame.columns), float(np.std(losses - unseen)), len(frame))


def estimate_loss(model: LossModel, features: pd.DataFrame, predicted: Array, *, level: float = LEVEL) -> Figure:
    """The estimated figure of a window and its band: where the figure measured on its labels lies with probability `level`.

    features, predicted: as in `fit_loss`. The band is normal, of the mean's residual in the window and in the reference.
    Raises ModelError if a column is not there.
    """
    missing = sorted({*model.columns} - {*features.columns, PREDICTION})
    if missing:
        raise ModelError(f"loss model of {model.figure}: column {', '.join(missing)} is missing; give it the features it was fitted on")
    frame = _with_prediction(features, predicted)[list(model.columns)]
    mean = max(float(np.mean(model.pipeline.predict(frame))), 0.0)
    spread = NormalDist().inv_cdf((1 + level) / 2) * model.residual * math.sqrt(1 / len(frame) + 1 / model.rows)
    ends = (mean, max(mean - spread, 0.0), mean + spread)
    return Figure(*(math.sqrt(end) for end in ends)) if model.figure in ROOTS else Figure(*ends)


def encode_loss(model: LossModel) -> bytes:
    """The model as a skops file: no pickle."""
    kept = {"figure": model.figure, "columns": list(model.columns), "residual": model.residual, "rows": model.rows}
    return _HEADER + bytes(skops.io.dumps({"pipeline": model.pipeline, **kept}))


def decode_loss(content: bytes) -> LossModel:
    """A model from its file, after an audit of its types. Raises ModelError if it is no such file, or holds another type."""
    if not content.startswith(_HEADER):
        raise ModelError(f"no loss model: the file begins with {content[:16]!r}, expected {_HEADER!r}; write it again with this release")
    try:
        found = skops.io.loads(content.removeprefix(_HEADER), trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise ModelError(f"loss model: its file holds a type that is not trusted: {' '.join(str(error).split())}") from None
    return LossModel(found["figure"], found["pipeline"], tuple(found["columns"]), found["residual"], found["rows"])


def _with_prediction(features: pd.DataFrame, predicted: Array) -> pd.DataFrame:
    return features.reset_index(drop=True).assign(**{PREDICTION: predicted})


def _untrained(frame: pd.DataFrame) -> Pipeline:
    texts = [str(name) for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    transformation = ColumnTransformer([("texts", codes, texts)], remainder="passthrough")
    trees = HistGradientBoostingRegressor(max_iter=80, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, random_state=SEED)
    return Pipeline([("features", transformation), ("trees", trees)])
