"""The same figures on the same real rows, by us and by the known peers, each in a virtual environment of its own.

    python benchmarks/drift_peers.py --peer nannyml=/path/to/venv/bin/python --peer evidently=… --out peers.json

Estimated performance and joint drift are those of the library; measures of one column are scipy's, which the library's own
measures are tested against. The data: the churn table; a classifier's scores on 4,500 customers it was not fitted on, of which
1,500 are the reference, and a regression of the total charges likewise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import HistGradientBoostingRegressor

from streaming.contracts.statistics import distance
from streaming.drift.encoding import encode
from streaming.drift.reconstruction import fit_reconstruction
from streaming.local.telco import CATEGORICAL, NUMERIC, POSITIVE, TARGET, load_telco
from streaming.metrics.labelled_cells import freeze_cells
from streaming.models.training import build_pipeline, features_of
from streaming.truth.estimate import cells_of_scores, estimate
from streaming.truth.loss_estimate import estimate_loss, fit_loss
from streaming.truth.on_rows import measure

RUNNER = Path(__file__).with_name("drift_peer_run.py")
CHUNK, FITTED, REFERENCE = 500, 2543, 1500
OURS = {"roc_auc": "auroc"}
TOLERANCE = {"cbpe": 0.03, "dle": 0.1}
"""cbpe: absolute; dle: share of the figure. Two estimators of one thing: their isotonic fits and trees differ."""


def classified(table: pd.DataFrame) -> pd.DataFrame:
    """Customers whom the classifier was not fitted on, with score, predicted class and truth (1: churned)."""
    features, truth = table.drop(columns=TARGET), (table[TARGET] == POSITIVE).astype(int)
    pipeline = build_pipeline(features_of(table, TARGET)).fit(features[:FITTED], truth[:FITTED])
    rest = features[FITTED:]
    scores = pipeline.predict_proba(rest)[:, 1]
    return rest.assign(score=scores, predicted=(scores > 0.5).astype(int), truth=truth[FITTED:])


def regressed(table: pd.DataFrame) -> pd.DataFrame:
    """The same customers with their total charges predicted from tenure, contract and the like, without the monthly charges."""
    features = table.drop(columns=[TARGET, "total_charges", "monthly_charges"])
    codes = features.apply(lambda column: column if column.name in NUMERIC else column.astype("category").cat.codes)
    truth = table["total_charges"].fillna(0)
    model = HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(codes[:FITTED], truth[:FITTED])
    return features[FITTED:].assign(predicted=model.predict(codes[FITTED:]), truth=truth[FITTED:])


def ours(rows: pd.DataFrame, amounts: pd.DataFrame) -> dict[str, Any]:
    """Our figures by chunk, and the truth."""
    reference, given = rows[:REFERENCE], rows[REFERENCE:]
    cells = freeze_cells(reference["score"].to_numpy(), reference["truth"].to_numpy() == 1)
    parts = [given[start : start + CHUNK] for start in range(0, len(given), CHUNK)]
    estimated = [estimate(cells, cells_of_scores(cells, part["score"].to_numpy())) for part in parts]
    truth = [measure(part["score"].to_numpy(), part["truth"].to_numpy() == 1, threshold=0.5) for part in parts]
    names = ("auroc", "f1", "precision", "recall", "accuracy", "average_precision")
    return {
        "cbpe": {name: [found[name].value for found in estimated] for name in names},
        "truth": {name: [found[name] for found in truth] for name in names},
        **_losses(amounts),
        "pca_reconstruction": _reconstruction(reference, parts),
        "columns": columns(reference, given),
        "whole": measure(given["score"].to_numpy(), given["truth"].to_numpy() == 1, threshold=0.5),
    }


def _reconstruction(reference: pd.DataFrame, parts: list[pd.DataFrame]) -> list[float]:
    features = [name for name in reference.columns if name not in ("score", "predicted", "truth")]
    fitted = fit_reconstruction(reference[features])
    rows = [encode(fitted.encoding, part[features]) for part in parts]
    return [float(np.linalg.norm(found - found @ fitted.components.T @ fitted.components, axis=1).mean()) for found in rows]


def _losses(amounts: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    reference, given = amounts[:REFERENCE], amounts[REFERENCE:]
    features = reference.columns.drop(["predicted", "truth"])
    parts = [given[start : start + CHUNK] for start in range(0, len(given), CHUNK)]
    estimated, truth = {}, {}
    for name in ("mae", "mse", "rmse"):
        model = fit_loss(name, reference[features], reference["predicted"].to_numpy(), reference["truth"].to_numpy())
        estimated[name] = [estimate_loss(model, part[features], part["predicted"].to_numpy()).value for part in parts]
        apart = [(part["truth"] - part["predicted"]).to_numpy() for part in parts]
        means = [np.abs(one).mean() if name == "mae" else (one**2).mean() for one in apart]
        truth[name] = [float(np.sqrt(mean) if name == "rmse" else mean) for mean in means]
    return {"dle": estimated, "loss_truth": truth}


def columns(reference: pd.DataFrame, given: pd.DataFrame) -> dict[str, float]:
    """Measures of a number and of a text by scipy, under the names that the peers give them."""
    before, now = reference["contract"].value_counts(), given["contract"].value_counts().reindex(reference["contract"].value_counts().index)
    p, q = before / before.sum(), now / now.sum()
    ks = stats.ks_2samp(reference["tenure"], given["tenure"])
    chi = stats.chi2_contingency(np.array([before, now]))
    return {
        "tenure_kolmogorov_smirnov": float(ks.statistic),
        "tenure_ks": float(ks.statistic),
        "tenure_ks_p": float(ks.pvalue),
        "tenure_wasserstein": float(stats.wasserstein_distance(reference["tenure"], given["tenure"])),
        "contract_chi2": float(chi.statistic),
        "contract_chi2_p": float(chi.pvalue),
        "contract_jensen_shannon": float(np.sqrt(distance.jensen_shannon(before.tolist(), now.tolist()))),
        "contract_hellinger": float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)),
        "contract_l_infinity": distance.l_infinity(before.to_dict(), now.to_dict())[0],
        "contract_psi": distance.psi(before.tolist(), now.tolist()),
    }


def ask(python: str, peer: str, folder: Path) -> dict[str, Any]:
    """A peer's figures, or {"error": its last line}."""
    done = subprocess.run([python, "-W", "ignore", str(RUNNER), "figures", peer, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no answer"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compared(mine: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, float, float, float]]:
    """Lines (figure, ours, the peer's, largest difference); of figures by chunk the means and the largest difference of a chunk."""
    lines = []
    for group in ("cbpe", "dle", "columns", "whole"):
        for name, found in theirs.get(group, {}).items():
            own = mine[group].get(OURS.get(name, name))
            if own is not None:
                pair = np.atleast_1d(np.asarray(own, dtype=float)), np.atleast_1d(np.asarray(found, dtype=float))
                lines.append((f"{group} {name}", float(pair[0].mean()), float(pair[1].mean()), float(np.abs(pair[0] - pair[1]).max())))
    return lines


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], help="NAME=PYTHON, may be repeated")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    table = load_telco().astype({**dict.fromkeys(CATEGORICAL, object), **dict.fromkeys(NUMERIC, "float64")})
    table = table.sample(frac=1, random_state=0).reset_index(drop=True)
    rows, amounts = classified(table), regressed(table)
    answers: dict[str, Any] = {"ours": ours(rows, amounts)}
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in (("classified", rows), ("regressed", amounts)):
            frame[:REFERENCE].to_csv(Path(folder) / f"{name}-reference.csv", index=False)
            frame[REFERENCE:].to_csv(Path(folder) / f"{name}-window.csv", index=False)
        for peer, _, python in (text.partition("=") for text in given.peer):
            answers[peer] = ask(python, peer, Path(folder))
    show(answers)
    if given.out:
        given.out.write_text(json.dumps(answers, indent=1))
    if any("error" in answer for answer in answers.values()):
        sys.exit(1)


def show(answers: dict[str, Any]) -> None:
    """A Markdown table of every figure that two sides have, and each estimator's error against the truth."""
    mine = answers["ours"]
    print("| peer | figure | ours | peer's | largest difference |\n|---|---|---|---|---|")
    for peer, answer in answers.items():
        if peer != "ours":
            label = f"{peer} {answer.get('version', '')}".strip()
            if "error" in answer:
                print(f"| {label} | {answer['error']} | | | |")
            for figure, own, found, apart in compared(mine, answer):
                print(f"| {label} | {figure} | {own:.4f} | {found:.4f} | {apart:.4f} |")
    for group, truth in (("cbpe", "truth"), ("dle", "loss_truth")):
        for peer, answer in answers.items():
            for name, found in answer.get(group, {}).items():
                error = np.asarray(found) - np.asarray(mine[truth][OURS.get(name, name)])
                print(f"{peer} {group} {name}: mean error {error.mean():.4f}, mean absolute error {np.abs(error).mean():.4f}")


if __name__ == "__main__":
    main()
