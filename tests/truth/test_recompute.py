"""Windows in a real PostgreSQL: computed, computed again when a late label comes, published once; fields from a real scoring log."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pytest
from label_rows import Write, after, label, predictions
from prediction_rows import NOON, row, rows
from telco_scores import churn
from tests_support import a_plan

from streaming.metrics.quality_record import Quality
from streaming.records import event_column
from streaming.sinks.scoring_log import log_rows, write_slice
from streaming.sinks.scoring_log_fields import read_fields
from streaming.truth import outbox, windows
from streaming.truth.auroc import auroc
from streaming.truth.declared import Fairness, Truth
from streaming.truth.label_log import take
from streaming.truth.recompute import Fields, recompute
from streaming.truth.rows import window_rows

pytestmark = pytest.mark.integration
COUNT = 400
Y, SCORE, _, CUSTOMERS = churn()


def scored(count: int = COUNT) -> list[dict[str, Any]]:
    return [row(f"e{n}", entity=f"c{n}", seconds=n, offset=n, score=float(SCORE[n])) for n in range(count)]


def compute(connection: psycopg.Connection, truth: Truth, fields: Fields | None = None, *, days: float = 40) -> list[Quality]:
    """Compute what is stale, as the job does."""
    made = []
    for one in windows.stale(connection, "risk", most=99):
        with connection.transaction():
            made += recompute(connection, "risk", truth, one, now=after(days=days), fields=fields)
    return made


def test_a_late_label_makes_the_windows_figures_anew(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*scored())
    labels = [label(f"l{n}", float(Y[n]), of=one["prediction_id"]) for n, one in enumerate(made)]
    take(connection, "risk", truth, labels[:300])
    (first,) = compute(connection, truth)
    assert compute(connection, truth) == []
    counted = take(connection, "risk", truth, labels[300:])
    assert (counted["matched"], counted["late"]) == (100, 100)
    (second,) = compute(connection, truth)
    assert [(one.revision, one.groups[0].labels, one.groups[0].coverage) for one in (first, second)] == [(1, 300, 0.75), (2, 400, 1.0)]
    assert first.groups[0].figures["auroc"].value == pytest.approx(auroc(Y[:300], SCORE[:300]))
    assert second.groups[0].figures["auroc"].value == pytest.approx(auroc(Y[:400], SCORE[:400]))
    assert outbox.newest(connection, "risk", windows=5) == [second]


def test_a_correction_changes_the_figures(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*scored(50))
    take(connection, "risk", truth, [label(f"l{n}", float(Y[n]), of=one["prediction_id"]) for n, one in enumerate(made)])
    before = compute(connection, truth)[0].groups[0].figures["base_rate"].value
    take(connection, "risk", truth, [label("mended", 1.0 - float(Y[7]), of=made[7]["prediction_id"], observed_at=after(days=9))])
    now = compute(connection, truth)[0].groups[0].figures["base_rate"].value
    assert abs(now - before) == pytest.approx(1 / 50)


def test_only_touched_windows_are_computed(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*predictions(3), *predictions(3, seconds=7200))
    take(connection, "risk", truth, [label("a", 1.0, of=made[0]["prediction_id"]), label("b", 1.0, of=made[4]["prediction_id"])])
    assert [one.window_start[11:13] for one in compute(connection, truth)] == ["12", "14"]
    take(connection, "risk", truth, [label("c", 0.0, of=made[5]["prediction_id"])])
    assert [(one.window_start[11:13], one.revision) for one in compute(connection, truth)] == [("14", 2)]


def test_a_window_that_matured_without_labels_says_so(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    write(*predictions(5))
    windows.ripen(connection, "risk", truth.window, truth.horizon, after(days=31))
    (found,) = compute(connection, truth)
    assert (found.groups[0].coverage, found.groups[0].maturity, found.groups[0].predictions) == (0.0, 0.0, 5)


def test_a_shadow_is_judged_by_the_label_of_its_event(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    shadows = [one | {"prediction_id": f"00000000-0000-0000-0000-{n:012d}", "role": "shadow", "variant": "next", "score": 1 - one["score"]}
               for n, one in enumerate(scored(100))]  # fmt: skip
    made = write(*scored(100), *shadows)
    take(connection, "risk", truth, [label(f"l{n}", float(Y[n]), of=one["prediction_id"]) for n, one in enumerate(made[:100])])
    champion, shadow = compute(connection, truth)[0].groups
    assert (shadow.role, shadow.labels) == ("shadow", 100)
    assert shadow.figures["auroc"].value == pytest.approx(1 - champion.figures["auroc"].value)


def test_records_wait_until_they_are_published_and_keep_their_bytes(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*predictions(2))
    take(connection, "risk", truth, [label("a", 1.0, of=made[0]["prediction_id"])])
    records = compute(connection, truth)
    found = outbox.waiting(connection, "risk", most=9)
    assert [one.record for one in found] == records
    outbox.published(connection, "risk", [found[0].number])
    assert outbox.waiting(connection, "risk", most=9) == []
    outbox.store(connection, [Quality(**{name: getattr(records[0], name) for name in records[0].__struct_fields__} | {"at": "later"})])
    assert outbox.newest(connection, "risk", windows=1) == records


def test_old_revisions_leave_the_store(connection: psycopg.Connection, write: Write, truth: Truth) -> None:
    made = write(*predictions(outbox.KEPT + 3))
    for n, one in enumerate(made):
        take(connection, "risk", truth, [label(f"l{n}", 1.0, of=one["prediction_id"])])
        compute(connection, truth)
        outbox.published(connection, "risk", [waiting.number for waiting in outbox.waiting(connection, "risk", most=99)])
    kept = connection.execute("SELECT min(revision), max(revision) FROM quality").fetchone()
    assert kept == (4, outbox.KEPT + 3)


def log_of(folder: Path, entries: list[dict[str, Any]]) -> None:
    """A scoring log as a task writes it: predictions with the events' fields."""
    customers = CUSTOMERS.iloc[: len(entries)]
    batch = rows(*[entry | {"deployment": "risk"} for entry in entries])
    for name in ("contract", "senior_citizen"):
        batch = batch.append_column(event_column(name), pa.array(customers[name].to_list()))
    write_slice(str(folder), a_plan(deployment="risk", now=NOON), 0, [log_rows(batch)])


def test_slices_and_groups_come_from_the_scoring_log(connection: psycopg.Connection, write: Write, truth: Truth, tmp_path: Path) -> None:
    made = write(*scored())
    log_of(tmp_path, made)
    declared = truth.model_copy(update={"slices": ("contract",), "fairness": Fairness(columns=("senior_citizen",), max_difference=0.05)})
    take(connection, "risk", declared, [label(f"l{n}", float(Y[n]), of=one["prediction_id"]) for n, one in enumerate(made)])

    def fields(first: Any, last: Any) -> pd.DataFrame | None:
        return read_fields(str(tmp_path), "risk", ["contract", "senior_citizen"], (first, last))

    found = {one.slice: one for one in compute(connection, declared, fields)}
    monthly = (CUSTOMERS["contract"] == "Month-to-month").to_numpy()[:COUNT]
    assert found["contract=Month-to-month"].groups[0].predictions == monthly.sum()
    assert found["contract=Month-to-month"].groups[0].figures["auroc"].value == pytest.approx(
        auroc(Y[:COUNT][monthly], SCORE[:COUNT][monthly])
    )
    groups = {one.group: one.predictions for one in found[""].fairness}
    assert groups == CUSTOMERS["senior_citizen"][:COUNT].astype(str).value_counts().to_dict()
    alerts = [one for one in outbox.waiting(connection, "risk", most=99) if one.topic == "alerts"]
    assert {one.record.kind for one in alerts} == {"fairness"}
    assert list(window_rows(connection, "risk", windows.window_of(NOON, truth.window))["prediction_id"]) == [
        one["prediction_id"] for one in made
    ]


def test_a_log_that_is_not_there_or_lacks_a_field_gives_what_it_has(tmp_path: Path) -> None:
    scored_at = (NOON, NOON + timedelta(minutes=5))
    assert read_fields(str(tmp_path / "none"), "risk", ["contract"], scored_at) is None
    log_of(tmp_path, scored(3))
    found = read_fields(str(tmp_path), "risk", ["contract", "colour"], scored_at)
    assert found is not None
    assert (list(found.columns), len(found)) == (["contract"], 3)
    elsewhere = read_fields(str(tmp_path), "risk", ["contract"], (after(days=9), after(days=9)))
    assert elsewhere is not None
    assert len(elsewhere) == 0
