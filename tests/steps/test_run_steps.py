"""Steps one after the other: what goes on, what is rejected, what was observed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tests_support import a_plan

from streaming.models.plan import Plan
from streaming.records import REJECTED
from streaming.steps import Outcome, Step, run_steps
from streaming.testing import raw_batch


def keep(wanted: range, name: str) -> Step:
    """A step that lets some offsets pass and rejects the others; it observes how many it saw."""

    def step(batch: pa.RecordBatch, plan: Plan) -> Outcome:
        assert plan == a_plan()
        passes = pa.array([offset in wanted for offset in batch.column("source_offset").to_pylist()], pa.bool_())
        refused = batch.filter(pa.array([not p for p in passes.to_pylist()], pa.bool_()))
        reasons = [{"stage": name, "reason": name, "path": "", "message": "", "schema_version": 1} | row for row in refused.to_pylist()]
        return Outcome(batch.filter(passes), pa.RecordBatch.from_pylist(reasons, schema=REJECTED), {name: batch.num_rows})

    return step


def test_each_step_sees_what_the_one_before_let_pass() -> None:
    passage = run_steps({"first": keep(range(2, 9), "first"), "second": keep(range(5), "second")}, raw_batch([b""] * 10), a_plan())
    assert passage.rows.column("source_offset").to_pylist() == [2, 3, 4]
    assert passage.observed == {"first": 10, "second": 7}
    assert [part.column("source_offset").to_pylist() for part in passage.rejected] == [[0, 1, 9], [5, 6, 7, 8]]
    assert [part.column("stage")[0].as_py() for part in passage.rejected] == ["first", "second"]


def test_a_step_that_rejects_nobody_leaves_no_empty_batch() -> None:
    passage = run_steps({"first": keep(range(10), "first")}, raw_batch([b""] * 3), a_plan())
    assert passage.rejected == []
    assert passage.rows.num_rows == 3


def test_the_time_of_each_step_is_told_under_its_name() -> None:
    passage = run_steps({"b": keep(range(9), "b"), "a": keep(range(9), "a")}, raw_batch([b""]), a_plan())
    assert list(passage.parts_ms) == ["b", "a"]
    assert all(ms > 0 for ms in passage.parts_ms.values())


def test_no_steps_pass_everything() -> None:
    batch = raw_batch([b""])
    assert run_steps({}, batch, a_plan()).rows is batch


def test_what_a_step_raises_ends_the_run() -> None:
    def broken(batch: pa.RecordBatch, plan: Plan) -> Outcome:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_steps({"broken": broken}, raw_batch([b""]), a_plan())
