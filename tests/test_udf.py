"""The pandas UDF on a real Spark: the same bits as the scoring step gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest
from churn_model import churn_model, churn_plan, event_batch
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, struct

from streaming.records import event_column
from streaming.steps.score import Score
from streaming.udf import prediction_udf

pytestmark = pytest.mark.integration

ROWS = 3000


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "700").getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def stepped() -> dict[int, float]:
    rows = Score(churn_model())(event_batch(ROWS), churn_plan()).rows
    return dict(zip(rows.column("source_offset").to_pylist(), rows.column("score").to_pylist(), strict=True))


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    batch = event_batch(ROWS)
    names = ["source_offset", *churn_model().features]
    columns = [batch.column("source_offset"), *(batch.column(event_column(name)) for name in churn_model().features)]
    rows = pa.Table.from_arrays(columns, names=names)
    return spark.createDataFrame(rows).repartition(3)


def scores(frame: DataFrame) -> dict[int, float]:
    return {row["source_offset"]: row["score"] for row in frame.select("source_offset", "score").collect()}


def test_columns_score_as_the_step_does(frame: DataFrame, stepped: dict[int, float]) -> None:
    model = churn_model()

    assert scores(frame.withColumn("score", prediction_udf(model)(*model.features))) == stepped


def test_a_struct_scores_as_the_step_does_whatever_its_order(frame: DataFrame, stepped: dict[int, float]) -> None:
    model = churn_model()
    fields = struct(*reversed(model.features))

    assert scores(frame.withColumn("score", prediction_udf(model)(fields))) == stepped


def test_integers_and_decimals_score_as_the_doubles_do(frame: DataFrame, stepped: dict[int, float]) -> None:
    model = churn_model()
    typed = frame.withColumn("tenure", col("tenure").cast("int")).withColumn("total_charges", col("total_charges").cast("decimal(12,2)"))

    assert scores(typed.withColumn("score", prediction_udf(model)(*model.features))) == stepped
