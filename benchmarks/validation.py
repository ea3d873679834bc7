"""How fast events are decoded and fully validated on one core: our contracts beside other validators, and who is exact.

    python benchmarks/validation.py --out validation.json

Every contender gets the same events in the same minutes, in turns; the best of the turns counts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
from program import machine
from rich.console import Console
from stand import REPOSITORY
from validation_events import Case, cases, events
from validation_spark import SparkJudge, spark_judge
from validation_table import print_case, print_goals
from validators import Contender, contenders

SHARES = (0.0, 0.01, 0.5)
PACKAGES = ("msgspec", "pydantic", "jsonschema", "jsonschema-rs", "fastjsonschema", "pyarrow")
WIDTH = 110  # columns of a terminal that a table needs
TRIED = 100  # events from which is guessed how many a slow contender gets


def cpu_seconds(contender: Contender, values: pa.BinaryArray) -> float:
    """Seconds of CPU for one event: what other programs take does not count, though their use of the caches does."""
    began = time.process_time()
    contender.judge(values)
    return (time.process_time() - began) / len(values)


def sized(contender: Contender, values: pa.BinaryArray, budget_s: float) -> pa.BinaryArray:
    """As many of the events as the contender judges in about budget_s seconds, all if it can."""
    each = cpu_seconds(contender, values.slice(0, TRIED))
    return values.slice(0, max(TRIED, int(budget_s / each)))


def measured(case: Case, judged: Sequence[Contender], options: argparse.Namespace) -> dict[str, dict[float, float]]:
    """Least seconds for an event, by contender and share of bad events: what else runs on the machine only ever adds to them."""
    values = {share: pa.array(events(case.contract, options.events, share), pa.binary()) for share in SHARES}
    parts = {(each.name, share): sized(each, values[share], options.budget) for each in judged for share in SHARES}
    taken: dict[str, dict[float, float]] = {each.name: {} for each in judged}
    for turn in range(options.repeats):
        for place in range(len(judged)):
            contender = judged[(turn + place) % len(judged)]
            for share in SHARES:
                seconds = cpu_seconds(contender, parts[contender.name, share])
                taken[contender.name][share] = min(seconds, taken[contender.name].get(share, seconds))
    return taken


def wrong_verdicts(accepted: list[bool], expected: list[bool]) -> dict[str, int]:
    """How many bad events were accepted and good ones refused.

    >>> wrong_verdicts([True, True, False], [True, False, True])
    {'accepted': 1, 'refused': 1, 'of': 3}
    """
    pairs = list(zip(accepted, expected, strict=True))
    return {"accepted": pairs.count((True, False)), "refused": pairs.count((False, True)), "of": len(pairs)}


def figures(case: Case, options: argparse.Namespace, spark: SparkJudge | None) -> dict[str, Any]:
    """Everything about one schema, by contender."""
    judged = contenders(case.contract)
    seconds = measured(case, judged, options)
    sample = events(case.contract, options.checked, 0.5, seed=1)
    expected = [not case.contract.exact.decode_whole(value)[1] for value in sample]
    found = {}
    for contender in judged:
        refused = contender.judge(pa.array(sample, pa.binary()))[1]
        wrong = wrong_verdicts([place not in refused for place in range(len(sample))], expected)
        found[contender.name] = _figures(seconds[contender.name], contender.gives, contender.reasons, wrong)
    if spark is not None:
        took = {share: spark.seconds(case.contract, events(case.contract, options.events, share)) / options.events for share in SHARES}
        wrong = wrong_verdicts(spark.accepted(case.contract, sample), expected)
        found["Spark from_json"] = _figures(took, "columns", "none", wrong)
    ours = found["ours"]["events_per_s"]["0 %"]
    return {name: {**each, "times_ours": round(each["events_per_s"]["0 %"] / ours, 3)} for name, each in found.items()}


def _figures(seconds: Mapping[float, float], gives: str, reasons: str, wrong: Mapping[str, int]) -> dict[str, Any]:
    clean, flood = seconds[0.0], seconds[0.5]
    return {
        "gives": gives,
        "reasons": reasons,
        "events_per_s": {f"{share:.0%}".replace("%", " %"): round(1 / seconds[share]) for share in SHARES},
        "bad_costs_times_good": round((flood - clean / 2) / (clean / 2), 2),
        "wrong": dict(wrong),
        "exact": not wrong["accepted"] and not wrong["refused"],
    }


def goals(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """How many times as fast on clean events the fastest inexact contender is: of all, and of those that give columns as we do."""
    rivals = {name: each for name, each in found.items() if name != "ours" and not each["exact"]}
    alike = {name: each for name, each in rivals.items() if each["gives"] == "columns"}
    return {of: max(each["times_ours"] for each in group.values()) for of, group in (("any", rivals), ("columns", alike)) if group}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="events of a batch (default 10,000, as stream.arrow_batch_rows)")
    parser.add_argument("--repeats", type=int, default=7, help="turns, of which the best counts (default 7)")
    parser.add_argument("--budget", type=float, default=0.5, help="seconds a contender may take for a turn; slow ones get fewer events")
    parser.add_argument("--checked", type=int, default=2400, help="events whose verdicts are compared, half of them bad (default 2400)")
    parser.add_argument("--only", action="append", metavar="SCHEMA", help="churn, '5 fields' or '200 fields'; may be given again")
    parser.add_argument("--spark", action="store_true", help="Spark's from_json as well; needs Java")
    parser.add_argument("--out", type=Path, help="write everything as JSON to this file")
    return parser.parse_args()


def main() -> None:
    """Run, print, write."""
    options = arguments()
    console = Console(width=max(Console().width, WIDTH))
    out = options.out.resolve() if options.out else None
    os.chdir(REPOSITORY)
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        spark = stack.enter_context(spark_judge()) if options.spark else None
        for case in cases():
            if not options.only or case.subject in options.only:
                found[case.subject] = figures(case, options, spark)
                print_case(console, case.subject, found[case.subject])
    reached = {subject: goals(each) for subject, each in found.items()}
    print_goals(console, reached)
    if out:
        load = {"events": options.events, "repeats": options.repeats, "checked": options.checked}
        summary = {"machine": machine(PACKAGES), "load": load, "schemas": found, "fastest_inexact_times_ours": reached}
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
