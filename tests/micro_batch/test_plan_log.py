"""The plan log on this machine's files and on a real Hadoop file system, through a small Spark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from pyspark.sql import SparkSession
from tests_support import a_plan

from streaming.errors import CheckpointError, SkewedPlan, Unavailable
from streaming.local.java import java_home
from streaming.micro_batch.checkpoint_files import CheckpointFiles, HadoopFiles, LocalFiles, checkpoint_files
from streaming.micro_batch.plan_log import KEPT, PlanLog
from streaming.models.plan import Plan, decode


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(java_home()))
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1")
        session = builder.getOrCreate()
        yield session
        session.stop()


class Checkpoint:
    """A checkpoint folder such as Spark makes."""

    def __init__(self, files: Callable[[Path], CheckpointFiles], folder: Path) -> None:
        self._files, self.folder = files, folder
        (folder / "offsets").mkdir(parents=True)
        (folder / "metadata").write_text('{"id":"7b6f"}')

    def log(self) -> PlanLog:
        return PlanLog(self._files(self.folder))

    def spark_wrote(self, batch_id: int, *sources: object) -> None:
        lines = [
            "v1",
            '{"batchWatermarkMs":0,"conf":{}}',
            *(source if isinstance(source, str) else json.dumps(source) for source in sources),
        ]
        (self.folder / "offsets" / str(batch_id)).write_text("\n".join(lines))

    def plans(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "plans").iterdir() if not path.name.startswith("."))


@pytest.fixture(params=["python", pytest.param("hadoop", marks=pytest.mark.integration)])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    """One whose files Python writes, and one whose files Hadoop writes."""
    if request.param == "python":
        return Checkpoint(LocalFiles, tmp_path / "check point")
    spark: SparkSession = request.getfixturevalue("spark")

    def hadoop(folder: Path) -> CheckpointFiles:
        root = spark.sparkContext._jvm.org.apache.hadoop.fs.Path(str(folder))
        return HadoopFiles(spark.sparkContext._jvm, root.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()), str(folder))

    return Checkpoint(hadoop, tmp_path / "check point")


@pytest.mark.integration
def test_a_checkpoint_on_this_machine_is_written_by_python(spark: SparkSession, tmp_path: Path) -> None:
    jvm, conf = spark.sparkContext._jvm, spark.sparkContext._jsc.hadoopConfiguration()
    for path in (f"{tmp_path}/a b", f"file:{tmp_path}/a b", f"file://{tmp_path}/a b"):
        assert checkpoint_files(jvm, conf, path).create("plans/7", path) is (path == f"{tmp_path}/a b")
    assert (tmp_path / "a b" / "plans" / "7").read_text() == f"{tmp_path}/a b"
    assert [path.name for path in (tmp_path / "a b" / "plans").iterdir()] == ["7"]


def planned(batch_id: int, release: str = "first") -> Plan:
    return a_plan(batch_id=batch_id, plan_id=f"q/{batch_id}", release=release)


def test_a_plan_is_found_again_after_a_restart(checkpoint: Checkpoint) -> None:
    assert checkpoint.log().read(3) is None
    assert checkpoint.log().create(planned(3)) == planned(3)
    assert checkpoint.log().read(3) == planned(3)
    assert checkpoint.log().read(4) is None


def test_the_first_plan_of_a_batch_stands(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    log.create(planned(0, "first"))
    assert log.create(planned(0, "second")) == planned(0, "first")
    assert checkpoint.log().create(planned(0, "third")) == planned(0, "first")
    assert log.read(0) == planned(0, "first")


def test_what_a_crash_left_half_written_is_no_plan(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    (checkpoint.folder / "plans").mkdir()
    (checkpoint.folder / "plans" / ".5.tmp").write_text('{"plan_id": "q/')
    assert log.read(5) is None
    assert log.create(planned(5)) == planned(5)
    assert log.read(5) == planned(5)


def test_two_that_plan_at_once_agree(checkpoint: Checkpoint) -> None:
    checkpoint.log().create(planned(1, "standing"))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: checkpoint.log().create(planned(1, f"driver {n}")), range(4)))
    assert {plan.release for plan in found} == {"standing"}


def test_old_plans_are_purged_and_those_that_spark_may_replay_are_kept(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    for batch_id in (0, 1, KEPT - 1, KEPT, KEPT + 1):
        log.create(planned(batch_id))
    assert checkpoint.plans() == sorted(map(str, (KEPT - 1, KEPT, KEPT + 1)))
    assert [log.read(batch_id) for batch_id in (0, 1)] == [None, None]


def test_texts_in_any_script_survive(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    log.create(planned(0, "ünï 漢字 😀"))
    assert log.read(0) == planned(0, "ünï 漢字 😀")


def test_a_plan_that_this_release_cannot_read_is_told(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    (checkpoint.folder / "plans").mkdir()
    (checkpoint.folder / "plans" / "8").write_text('{"version": 99}')
    with pytest.raises(SkewedPlan, match="plan log"):
        log.read(8)


def test_a_folder_that_went_away_is_unavailable(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    log.create(planned(0))
    for path in (checkpoint.folder / "plans").iterdir():
        path.unlink()
    (checkpoint.folder / "plans").rmdir()
    (checkpoint.folder / "plans").write_text("in the way")
    with pytest.raises(Unavailable, match="plans/1"):
        log.create(planned(1))


def test_the_query_id_is_the_checkpoints(checkpoint: Checkpoint) -> None:
    assert checkpoint.log().query_id() == "7b6f"


def test_a_batchs_offsets_begin_where_the_one_before_ended(checkpoint: Checkpoint) -> None:
    checkpoint.spark_wrote(4, {"activity": {"0": 10, "1": 20}})
    checkpoint.spark_wrote(5, {"activity": {"0": 15, "1": 20}})
    log = checkpoint.log()
    assert log.offsets(5) == {"activity": {"0": [10, 15], "1": [20, 20]}}
    checkpoint.spark_wrote(6, {"activity": {"0": 16, "1": 29}})
    assert log.offsets(6) == {"activity": {"0": [15, 16], "1": [20, 29]}}
    assert log.offsets(6) == checkpoint.log().offsets(6), "the same when asked again, and after a restart"
    assert log.offsets(5) == {"activity": {"0": [10, 15], "1": [20, 20]}}


def test_of_the_first_batch_and_of_a_new_partition_the_beginning_is_not_known(checkpoint: Checkpoint) -> None:
    checkpoint.spark_wrote(0, {"activity": {"0": 10}})
    checkpoint.spark_wrote(1, {"activity": {"0": 12, "1": 3}})
    log = checkpoint.log()
    assert log.offsets(0) == {"activity": {"0": [-1, 10]}}
    assert log.offsets(1) == {"activity": {"0": [10, 12], "1": [-1, 3]}}


def test_the_first_batch_begins_where_the_source_began(checkpoint: Checkpoint) -> None:
    (checkpoint.folder / "sources" / "0").mkdir(parents=True)
    (checkpoint.folder / "sources" / "0" / "0").write_bytes(b'\0v1\n{"activity":{"0":7,"1":0}}')
    checkpoint.spark_wrote(0, {"activity": {"0": 10, "1": 3}})
    assert checkpoint.log().offsets(0) == {"activity": {"0": [7, 10], "1": [0, 3]}}


def test_a_revision_stands_beside_the_plan_and_is_found_instead_of_it(checkpoint: Checkpoint) -> None:
    log = checkpoint.log()
    first = log.create(planned(3))
    revised = msgspec.structs.replace(planned(3, release="second"), revision=1, plan_id="q/3/r1")
    assert log.create(revised) == revised
    assert log.create(msgspec.structs.replace(revised, release="third")) == revised, "the first revision of that number stands"
    assert checkpoint.log().read(3) == revised
    assert checkpoint.plans() == ["3", "3.r1"]
    assert decode((checkpoint.folder / "plans" / "3").read_text()) == first
    log.create(planned(3 + KEPT))
    assert checkpoint.plans() == [str(3 + KEPT)]


def test_two_sources_and_one_that_has_nothing_yet(checkpoint: Checkpoint) -> None:
    checkpoint.spark_wrote(1, {"activity": {"0": 1}}, "-")
    checkpoint.spark_wrote(2, {"activity": {"0": 4}}, {"activity.replay": {"0": 2}})
    assert checkpoint.log().offsets(2) == {"activity": {"0": [1, 4]}, "activity.replay": {"0": [-1, 2]}}


def test_a_torn_plan_is_told_with_its_place(checkpoint: Checkpoint) -> None:
    checkpoint.log().create(planned(3))
    path = checkpoint.folder / "plans" / "3"
    text = path.read_text()
    for sum_of in checkpoint.folder.glob("plans/.*.crc"):
        sum_of.unlink()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(CheckpointError, match="plans/3 is torn: it ends with"):
        checkpoint.log().read(3)
