"""False alarms and power of the drift detectors on simulated streams of real customers.

    python benchmarks/drift_power.py --seeds 20 --out drift_power.json
    python benchmarks/drift_power.py --seeds 20 --peer nannyml=/path/to/its/venv/bin/python   # any of drift_peer_run.py's

False alarms: share of windows without drift that alarm. Found: share of drifted windows that alarm. Delay: windows from the first
drifted one to the first alarm (0: at once), the mean over the streams in which one came.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist, fmean

from drift_detectors import ALPHA, DETECTORS
from drift_streams import NAMES, REFERENCE, ROWS, START, Stream, streams

Alarms = dict[str, list[list[bool]]]
"""By detector: alarms of each window of each stream."""
RUNNER = Path(__file__).with_name("drift_peer_run.py")


def own_alarms(given: Sequence[Stream], names: Sequence[str]) -> Alarms:
    """What our detectors say of every window."""
    found: Alarms = {}
    for name in names:
        fitted = [(DETECTORS[name](stream.reference), stream) for stream in given]
        found[name] = [[detector(window) for window in stream.windows] for detector, stream in fitted]
    return found


def peer_alarms(given: Sequence[Stream], python: str, peer: str) -> Alarms:
    """What a peer's detectors say of the same windows, run by its own Python."""
    with tempfile.TemporaryDirectory() as folder:
        for number, stream in enumerate(given):
            for part, frame in [("reference", stream.reference), *((f"window{i:02d}", w) for i, w in enumerate(stream.windows))]:
                frame.to_csv(Path(folder) / f"{number:03d}-{part}.csv", index=False)
        done = subprocess.run([python, "-W", "ignore", str(RUNNER), "alarms", peer, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{peer}: {done.stderr.strip().splitlines()[-1]}")
    found: Alarms = json.loads(done.stdout.splitlines()[-1])
    return found


def summary(given: Sequence[Stream], alarms: list[list[bool]]) -> dict[str, dict[str, float | int | None]]:
    """Figures by kind of stream."""
    found: dict[str, dict[str, float | int | None]] = {}
    for name in dict.fromkeys(stream.name for stream in given):
        pairs = [(stream, told) for stream, told in zip(given, alarms, strict=True) if stream.name == name]
        quiet = [alarm for stream, told in pairs for alarm, there in zip(told, stream.drifted, strict=True) if not there]
        loud = [alarm for stream, told in pairs for alarm, there in zip(told, stream.drifted, strict=True) if there]
        delays = [told.index(True, START) - START for stream, told in pairs if any(stream.drifted) and True in told[START:]]
        found[name] = {
            "false_alarms": fmean(quiet) if quiet else None,
            "windows_without_drift": len(quiet),
            "found": fmean(loud) if loud else None,
            "delay_windows": fmean(delays) if delays else None,
            "streams_found": len(delays),
            "streams": len(pairs),
        }
    return found


def within_level(rate: float, windows: int, alpha: float = ALPHA) -> bool:
    """Whether a rate of false alarms is no more than chance above the configured level (one-sided, 1 %)."""
    return rate <= alpha + NormalDist().inv_cdf(0.99) * (alpha * (1 - alpha) / windows) ** 0.5


def table(results: dict[str, dict[str, dict[str, float | int | None]]]) -> str:
    """The results as a Markdown table: false alarms, then found and delay by kind of drift."""
    kinds = [name for name in NAMES if name != "no drift"]
    lines = [f"| detector | false alarms | {' | '.join(kinds)} |", "|---|---|" + "---|" * len(kinds)]
    for detector, by_kind in results.items():
        cells = [_percent(by_kind["no drift"]["false_alarms"])]
        for kind in kinds:
            one, delay = by_kind[kind], by_kind[kind]["delay_windows"]
            cells.append(f"{_percent(one['found'])}, {'never' if delay is None else f'{delay:.1f}'}")
        lines.append(f"| {detector} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", nargs="*", choices=[*DETECTORS], default=[*DETECTORS])
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON, may be repeated")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    simulated = list(streams(NAMES, range(given.seeds)))
    alarms = own_alarms(simulated, given.only)
    for peer, _, python in (text.partition("=") for text in given.peer):
        alarms |= peer_alarms(simulated, python, peer)
    results = {detector: summary(simulated, told) for detector, told in alarms.items()}
    print(f"{given.seeds} streams of each kind; reference {REFERENCE} rows, windows of {ROWS}; configured level {ALPHA:.0%} a window\n")
    print(table(results))
    for detector, by_kind in results.items():
        quiet = by_kind["no drift"]
        if not within_level(float(quiet["false_alarms"] or 0), int(quiet["windows_without_drift"] or 1)):
            print(f"\n{detector}: more false alarms than configured")
    if given.out:
        given.out.write_text(json.dumps({"alpha": ALPHA, "rows": ROWS, "reference": REFERENCE, "results": results}, indent=1))


if __name__ == "__main__":
    main()
