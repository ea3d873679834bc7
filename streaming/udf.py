"""The scoring step as a pandas UDF, for Spark SQL and DataFrames. See docs/scoring-dataframes.md."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import DoubleType

from streaming.models.artifact import Feature
from streaming.models.model import Model, arrow_type
from streaming.steps.isolate import score_rows


def prediction_udf(model: Model) -> Any:
    """A pandas UDF that gives the score (double) of each row: the same bits as the stream gives for the same values.

    Call it with the model's features as columns in the model's order, or with one struct column that holds them by name:
    `frame.withColumn("score", prediction_udf(model)(*model.features))`.
    A row that the model cannot score gets null. Raises ValueError inside the job if the number of columns is another.

    The model travels to the workers as its bytes, and is loaded there once for each worker process.
    """

    def score(*columns: pd.Series) -> pd.Series:
        scores, _ = score_rows(model, _features(model, columns))
        return pd.Series(scores)

    score.__annotations__ = {"columns": pd.Series, "return": pd.Series}  # Spark reads types, not the texts they are here
    return pandas_udf(score, DoubleType())  # type: ignore[call-overload]  # the stubs know no mixed columns


def _features(model: Model, columns: tuple[pd.Series | pd.DataFrame, ...]) -> pa.RecordBatch:
    features = model.manifest.features
    if len(columns) == 1 and isinstance(columns[0], pd.DataFrame):
        columns = tuple(columns[0][name] for name in model.features)
    if len(columns) != len(features):
        raise ValueError(f"model {model.manifest.name} reads {len(features)} features and got {len(columns)} columns")
    arrays = [_array(column, feature) for column, feature in zip(columns, features, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=model.features)


def _array(column: pd.Series | pd.DataFrame, feature: Feature) -> pa.Array:
    return pa.Array.from_pandas(column).cast(arrow_type(feature))
