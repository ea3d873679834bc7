"""Skew and drift are found where they are, and nowhere else."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from streaming.contracts import Contract
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics import Statistics, describe
from streaming.contracts.statistics.against_baseline import Thresholds, against_baseline, distance, thresholds
from streaming.contracts.statistics.column import block_of
from streaming.contracts.statistics.parse import block_of_rows
from streaming.contracts.statistics.validate import validate_statistics
from streaming.local.telco import load_telco


def of_frame(frame: pd.DataFrame) -> Statistics:
    return describe([block_of(pa.RecordBatch.from_pandas(frame, preserve_index=False))])


def population(seed: int, rows: int = 3000) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": random.lognormal(3, 1, rows),
            "flag": random.integers(0, 2, rows),
            "plan": random.choice(["free", "paid", "trial"], rows, p=[0.6, 0.3, 0.1]),
            "score": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows)),
            "id": [f"{seed}-{i}" for i in range(rows)],
        }
    )


BEFORE = of_frame(population(1))
NAN_ROWS = [{"x": 1.0 + i % 4 // 2 if i % 10 == 0 else float("nan")} for i in range(1000)]


@pytest.mark.parametrize("measure", ["js", "psi"])
def test_the_same_population_has_no_drift(measure: str) -> None:
    limits = Thresholds(measure="js" if measure == "js" else "psi")
    assert against_baseline(of_frame(population(2)), BEFORE, thresholds=limits) == []


@pytest.mark.parametrize(
    ("field", "values", "finding"),
    [
        ("amount", lambda frame: frame.amount * 2, "drift"),
        ("amount", lambda frame: frame.amount.where(frame.index % 5 > 0, 1e9), "drift"),
        ("flag", lambda frame: (frame.index % 10 > 0).astype(int), "drift"),
        ("plan", lambda frame: frame.plan.replace("free", "gratis"), "drift"),
        ("score", lambda frame: frame.score + 1, "drift"),
        ("score", lambda frame: frame.score.where(frame.index % 2 > 0), "presence"),
    ],
)
def test_one_change_is_one_anomaly(field: str, values: object, finding: str) -> None:
    frame = population(2)
    frame[field] = values(frame)  # type: ignore[operator]
    found = against_baseline(of_frame(frame), BEFORE)
    assert [(one.field, one.finding) for one in found] == [(field, finding)]
    assert found[0].mend_data and found[0].change_schema


def test_skew_is_told_in_its_own_words() -> None:
    frame = population(2)
    frame["plan"] = "free"
    (one,) = against_baseline(of_frame(frame), BEFORE, comparison="skew")
    assert one.finding == "skew"
    assert "training" in one.found and "serving" in one.found


def test_thresholds_decide() -> None:
    frame = population(2)
    frame["amount"] *= 2
    now = of_frame(frame)
    found = distance(BEFORE.fields["amount"], now.fields["amount"])
    assert found is not None and found.measure == "js"
    assert against_baseline(now, BEFORE, thresholds=thresholds("js", found.value - found.chance + 1e-6, 0.1, 0.05)) == []
    assert len(against_baseline(now, BEFORE, thresholds=thresholds("js", found.value - found.chance - 1e-6, 0.1, 0.05))) == 1
    (one,) = against_baseline(now, BEFORE, thresholds=thresholds("psi", None, 0.1, 0.05))
    assert one.found.startswith("PSI ")
    assert re.fullmatch(r"at most 0.2 and 0.03\d by chance", one.expected), "quantiles are of a sketch that draws lots"


def test_a_field_s_own_threshold_of_psi_stands_above_the_general_one(contract: Contract) -> None:
    document = copy.deepcopy(dict(contract.document))
    before, now = (describe([block_of_rows([{"age": i % 60 + add} for i in range(600)])]) for add in (0, 15))
    for threshold, drifts in ((0.2, True), (50.0, False)):
        document["properties"]["age"]["x-drift"] = {"threshold": threshold}
        own = parse_contract(document, "visit", 1, "visit v1")
        report = validate_statistics(now, own, before, thresholds=Thresholds(measure="psi"))
        assert ("age" in {one.field for one in report.anomalies if one.finding == "drift"}) is drifts


@pytest.mark.parametrize("measure", ["js", "psi"])
def test_a_field_s_own_threshold_counts_whatever_measure_judges_the_others(measure: str, contract: Contract) -> None:
    """Numbers and categories: both lie within a large threshold of their own, and beyond a small one."""
    document = copy.deepcopy(dict(contract.document))
    rows = [[{"age": i % 60 + add, "plan": "free" if i % 10 < paid else "paid"} for i in range(3000)] for add, paid in ((0, 8), (15, 4))]
    before, now = (describe([block_of_rows(part)]) for part in rows)
    for threshold, drifted in ((0.05, {"age", "plan"}), (50.0, set())):
        for name in ("age", "plan"):
            document["properties"][name]["x-drift"] = {"threshold": threshold}
        limits = Thresholds(measure="js" if measure == "js" else "psi")
        report = validate_statistics(now, parse_contract(document, "visit", 1, "visit v1"), before, thresholds=limits)
        drifts = [one for one in report.anomalies if one.finding == "drift"]
        assert {one.field for one in drifts} == drifted
        assert all(one.found.startswith("PSI ") for one in drifts)


@pytest.mark.parametrize("rows", [50, 200, 1000])
@pytest.mark.parametrize("measure", ["js", "psi"])
def test_samples_of_one_population_never_drift_however_small(rows: int, measure: str) -> None:
    """Two samples of the telco table, twenty times; without what chance adds, nearly all of fifty rows were alarms."""
    telco = load_telco(Path("examples/churn/telco_churn.csv"))
    limits = Thresholds(measure="js" if measure == "js" else "psi")
    for seed in range(20 if rows < 1000 else 5):
        drawn = telco.sample(2 * rows, random_state=seed)
        halves = [of_frame(part) for part in (drawn[:rows], drawn[rows:])]
        assert [one.message for one in against_baseline(halves[1], halves[0], thresholds=limits)] == []


@pytest.mark.parametrize("rows", [200, 1000])
@pytest.mark.parametrize("measure", ["js", "psi"])
def test_a_real_shift_drifts_in_a_small_sample_too(rows: int, measure: str) -> None:
    telco = load_telco(Path("examples/churn/telco_churn.csv"))
    limits = Thresholds(measure="js" if measure == "js" else "psi")
    before, now = telco.sample(rows, random_state=1), telco[telco.contract == "Two year"].sample(rows, random_state=2)
    found = against_baseline(of_frame(now), of_frame(before), thresholds=limits)
    assert {"contract", "tenure"} <= {one.field for one in found if one.finding == "drift"}


def test_fields_with_too_few_rows_to_tell_any_drift_are_named(contract: Contract) -> None:
    few, many = (describe([block_of_rows([{"spent": i / 7, "plan": "free"} for i in range(n)])]) for n in (8, 500))
    assert validate_statistics(few, contract, few).too_few == ["spent"]
    assert validate_statistics(many, contract, many).too_few == []


def test_numbers_that_are_none_are_compared_by_their_share() -> None:
    """NaN is a value that is there, and in no distribution."""
    before, now = (of_frame(pd.DataFrame({"x": [1.0, 2.0] * 500})), describe([block_of_rows(NAN_ROWS)]))
    (one,) = against_baseline(now, before)
    assert (one.field, one.finding, one.found) == ("x", "presence", "NaN or infinity in 90 % of the numbers now, 0 % before")
    assert against_baseline(now, now) == []


def test_a_field_of_one_side_alone_is_told() -> None:
    found = against_baseline(of_frame(population(2).drop(columns="plan").assign(extra=1)), BEFORE)
    assert [(one.field, one.finding, one.found) for one in found] == [
        ("plan", "presence", "a field in the data of before alone"),
        ("extra", "presence", "a field in the data of now alone"),
    ]


def test_a_category_that_becomes_free_text_has_drifted() -> None:
    """The later side has more values than a sketch counts one by one; the earlier side's few are still compared."""
    frame = population(2)
    frame["plan"] = frame.index.map("plan {}".format)
    (one,) = against_baseline(of_frame(frame), BEFORE)
    assert (one.field, one.finding) == ("plan", "drift")
    assert "'(other values)' 0 % before, 100 % now" in one.found
    (back,) = against_baseline(BEFORE, of_frame(frame))
    assert "'(other values)' 100 % before, 0 % now" in back.found


def test_texts_of_which_there_are_too_many_are_not_compared() -> None:
    assert distance(BEFORE.fields["id"], of_frame(population(2)).fields["id"]) is None


def test_nothing_to_compare_is_no_drift() -> None:
    assert against_baseline(describe([]), BEFORE) == []
    nulls = of_frame(pd.DataFrame({"x": [None, None]}))
    assert against_baseline(nulls, nulls) == []


def test_ids_targets_and_fields_that_are_left_out_are_not_compared(contract: Contract) -> None:
    rows = [{"who": f"u{i % 5}", "age": i % 90, "left": bool(i % 2)} for i in range(2000)]
    later = [{"who": f"w{i % 5}", "age": i % 90} for i in range(2000)]
    before, now = describe([block_of_rows(rows)]), describe([block_of_rows(later)])
    report = validate_statistics(now, contract, before, comparison="skew")
    assert [one for one in report.anomalies if one.finding in ("skew", "presence")] == []
    alone = against_baseline(now, before)
    assert {one.field for one in alone} == {"who", "left"}
