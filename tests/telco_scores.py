"""Real customers with real outcomes, and the scores of a model that never saw them: what figures are compared on."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from streaming.local.telco import CATEGORICAL, POSITIVE, TARGET, load_telco, split

_NUMBERS = ["tenure", "monthly_charges"]


class Scored(NamedTuple):
    """Held-out customers. y: churned (0, 1); score: the model's chance; weight: one for each, above 0; frame: their fields."""

    y: NDArray[np.float64]
    score: NDArray[np.float64]
    weight: NDArray[np.float64]
    frame: pd.DataFrame


@lru_cache(maxsize=1)
def churn() -> Scored:
    training, held_out = split(load_telco())
    columns = [*CATEGORICAL, *_NUMBERS]
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), list(CATEGORICAL)), (StandardScaler(), _NUMBERS)),
        LogisticRegression(max_iter=500),
    )
    model.fit(training[columns], training[TARGET] == POSITIVE)
    # Rounded, so that there are ties as trees make them.
    score = np.round(model.predict_proba(held_out[columns])[:, 1], 3)
    return Scored((held_out[TARGET] == POSITIVE).to_numpy(np.float64), score, 1 + held_out["tenure"].to_numpy(np.float64), held_out)


@lru_cache(maxsize=1)
def charges() -> Scored:
    """Amounts: monthly charges foretold from the services a customer has."""
    training, held_out = split(load_telco())
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["internet_service", "contract"])), LinearRegression()
    )
    model.fit(training, training["monthly_charges"])
    told = np.round(model.predict(held_out), 2)
    return Scored(held_out["monthly_charges"].to_numpy(np.float64), told, 1 + held_out["tenure"].to_numpy(np.float64), held_out)


@lru_cache(maxsize=1)
def contracts() -> tuple[NDArray[np.object_], NDArray[np.float64], tuple[str, ...], NDArray[np.float64]]:
    """Classes: which contract a customer has, foretold from tenure and charges; names, probabilities, classes and weights."""
    training, held_out = split(load_telco())
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(training[_NUMBERS], training["contract"])
    names = tuple(str(name) for name in model.classes_)
    told = model.predict_proba(held_out[_NUMBERS])
    return held_out["contract"].to_numpy(object), told, names, 1 + held_out["tenure"].to_numpy(np.float64)
