"""What a micro-batch of Spark costs that does nothing: the service's source and checkpoint, and a foreachBatch that returns at once.

Started by latency.py through spark-submit. While it reads, it is sent a hundred events a second, so that there is a batch to make.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path

from batches import quantiles
from load import Events, pace
from pyspark.sql import DataFrame

from streaming.config import load_settings
from streaming.kafka.clients import spark_kafka_options
from streaming.service.spark import session

PARTS = ("triggerExecution", "latestOffset", "walCommit", "queryPlanning", "addBatch", "commitOffsets")


def nothing(_: DataFrame, __: int) -> None:
    """The batch's function."""


def job(batch: DataFrame, _: int) -> None:
    """A batch's function that runs one job over the rows and keeps nothing."""
    batch.coalesce(1).mapInArrow(lambda batches: (b.slice(0, 0) for b in batches), batch.schema).collect()


def main() -> None:
    """Read for some seconds with each function, write the durations' quantiles in ms as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    settings = load_settings(options.config)
    spark = session("empty", settings)
    load = threading.Thread(target=pace, args=(settings, Events(100)), daemon=True,
                            kwargs={"rate": 100, "seconds": 2 * options.seconds + 30, "alive": lambda: None})  # fmt: skip
    load.start()
    found = {}
    for function in (nothing, job):
        source = {"subscribe": settings.topics.event, "startingOffsets": "latest", **spark_kafka_options(settings.kafka)}
        stream = spark.readStream.format("kafka").options(**source).load().writeStream.foreachBatch(function)
        query = stream.option("checkpointLocation", str(options.out.parent / f"empty-{function.__name__}")).start()
        time.sleep(options.seconds)
        told = [progress["durationMs"] for progress in query.recentProgress if "walCommit" in progress["durationMs"]][5:]
        query.stop()
        found[function.__name__] = {part: quantiles([float(entry[part]) for entry in told if part in entry]) for part in PARTS}
    options.out.write_text(json.dumps(found), encoding="utf-8")
    spark.stop()


if __name__ == "__main__":
    main()
