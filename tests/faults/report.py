"""The table in docs/reliability.md, made from results.json: `PYTHONPATH=tests python -m faults.report` writes it."""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from faults.checker import FINDINGS

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: made by tests/faults/report.py -->", "<!-- end of faults -->"
HEAD = "| fault | seeds | events | lost | doubled | other findings | recovery, median / longest |\n|---|--:|--:|--:|--:|--:|--:|"
Row = Mapping[str, Any]


def table(rows: Sequence[Row]) -> str:
    """One line for each fault, over its seeds, and the sum. rows: as run.py writes them."""
    by_fault: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_fault[row["fault"]].append(row)
    lines = [_line(name, by_fault[name]) for name in sorted(by_fault)]
    return "\n".join([HEAD, *lines, _line("**all**", list(rows))]) if rows else "No run is recorded."


def _line(name: str, rows: Sequence[Row]) -> str:
    others = _sum(rows, [finding for finding in FINDINGS if finding not in ("lost", "doubled")])
    seeds = len(rows)
    cells = [name, seeds, f"{_sum(rows, ['acknowledged']):,}", _sum(rows, ["lost"]), _sum(rows, ["doubled"]), others, _recovery(rows)]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _sum(rows: Sequence[Row], names: Iterable[str]) -> int:
    """What the runs found, where it counts: a job that refuses for good leaves events without an outcome."""
    return sum(int(row[name]) for name in names for row in rows if name in row["judged"] or name not in FINDINGS)


def _recovery(rows: Sequence[Row]) -> str:
    times = [float(row["recovery_s"]) for row in rows if row["recovery_s"] is not None]
    return f"{statistics.median(times):.1f} s / {max(times):.1f} s" if times else "–"


def with_table(page: str, rows: Sequence[Row]) -> str:
    """The page with the table between its markers. Raises ValueError where the markers are not there."""
    before, found_begin, rest = page.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not (found_begin and found_end):
        raise ValueError(f"{PAGE} has no {BEGIN} … {END}; put them where the table is to stand")
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def results(path: Path = RESULTS) -> list[Row]:
    """The recorded runs."""
    rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def main() -> int:
    """Write the table; returns the exit code."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), results()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
