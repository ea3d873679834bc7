"""What is run, and what is written down of it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from faults import registry
from faults.checker import FINDINGS, Verdict
from faults.registry import chosen, fault, faults
from faults.report import BEGIN, END, PAGE, RESULTS, results, table, with_table
from faults.run import OF_A_REFUSAL, Result, add_results, flags, plan_of
from faults.world import World


def result(name: str = "driver-kill", seed: int = 1, *, judged: tuple[str, ...] = FINDINGS, stuck: str = "", **found: int) -> Result:
    """A run with these findings."""
    verdict = Verdict(acknowledged=4000)
    for finding, count in found.items():
        setattr(verdict, finding, count)
    return Result(name, seed, "0.1.0", "nothing lost", verdict, judged, 5.0 * seed, 1, 60.0, stuck)


def test_a_pattern_chooses_faults_and_a_sum_is_one_run() -> None:
    assert [one.name for (one,) in chosen(["driver-kill"])] == ["driver-kill"]
    assert len(chosen(["driver-kill*"])) == 8
    assert [[one.name for one in run] for run in chosen(["worker-kill+driver-kill"])] == [["worker-kill", "driver-kill"]]
    assert len(chosen([])) == len(faults())


def test_an_unknown_fault_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no fault is named disk-on-fire; there are .*driver-kill"):
        chosen(["disk-on-fire"])


def test_two_faults_cannot_have_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FAULTS", {})

    @fault("one")
    def first(world: World, rng: random.Random) -> None: ...

    def second(world: World, rng: random.Random) -> None: ...

    fault("one")(first)
    with pytest.raises(ValueError, match="the fault one is there already"):
        fault("one")(second)


def test_slices_are_all_runs_each_once() -> None:
    whole = plan_of(flags().parse_args(["--seeds", "5"]))
    slices = [plan_of(flags().parse_args(["--seeds", "5", "--slice", f"{number}/3"])) for number in (1, 2, 3)]
    assert sorted(_names(whole)) == sorted(name for one in slices for name in _names(one))
    assert len(whole) == 5 * len(faults())


def _names(runs: list[tuple[tuple[registry.Fault, ...], int]]) -> list[str]:
    return [f"{'+'.join(one.name for one in of)}/{seed}" for of, seed in runs]


def test_a_run_holds_only_if_nothing_was_found_and_it_came_to_its_end() -> None:
    assert result().holds()
    assert not result(lost=1).holds()
    assert not result(stuck="waited in vain").holds()
    assert result(lost=1, judged=OF_A_REFUSAL).holds()
    assert not result(doubled=1, judged=OF_A_REFUSAL).holds()


def test_a_summary_has_what_a_reader_needs() -> None:
    row = result(lost=2).row()
    asked = "fault, seed, acknowledged, predicted, rejected, lost, doubled, altered, misrouted, stale_current, miscounted, recovery_s"
    assert set(asked.split(", ")) <= set(row)
    assert (row["fault"], row["lost"], row["recovery_s"]) == ("driver-kill", 2, 5.0)


def test_results_add_up_and_a_later_run_takes_the_place_of_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    add_results(path, [result(seed=1, lost=1).row(), result(seed=2).row()])
    add_results(path, [result(seed=1).row(), result("worker-kill").row()])
    rows = json.loads(path.read_text())
    assert [(row["fault"], row["seed"], row["lost"]) for row in rows] == [
        ("driver-kill", 1, 0),
        ("driver-kill", 2, 0),
        ("worker-kill", 1, 0),
    ]


def test_the_table_sums_over_seeds_and_counts_what_was_judged() -> None:
    rows = [result(seed=1, lost=1, altered=2).row(), result(seed=3).row(), result("refused", lost=9, judged=OF_A_REFUSAL).row()]
    lines = table(rows).splitlines()
    assert lines[2:] == [
        "| driver-kill | 2 | 8,000 | 1 | 0 | 2 | 10.0 s / 15.0 s |",
        "| refused | 1 | 4,000 | 0 | 0 | 0 | 5.0 s / 5.0 s |",
        "| **all** | 3 | 12,000 | 1 | 0 | 2 | 5.0 s / 15.0 s |",
    ]


def test_a_page_without_markers_is_an_error() -> None:
    assert with_table(f"a\n{BEGIN}\nold\n{END}\nb", []) == f"a\n{BEGIN}\nNo run is recorded.\n{END}\nb"
    with pytest.raises(ValueError, match="put them where the table is to stand"):
        with_table("no markers", [])


def test_the_committed_table_is_of_the_committed_results() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, results(RESULTS)) == page


def test_every_committed_result_is_of_a_fault_that_is_there_and_holds() -> None:
    known = set(faults())
    for row in results(RESULTS):
        assert set(row["fault"].split("+")) <= known
        assert not [name for name in row["judged"] if row[name]], row["fault"]
        assert row["stuck"] == ""
