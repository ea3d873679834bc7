"""What a peer says of given data: run by the Python of a virtual environment that holds the peer, never by ours.

    PYTHON drift_peer_run.py alarms PEER FOLDER      files NNN-reference.csv, NNN-window00.csv … → {detector: [[bool, …], …]}
    PYTHON drift_peer_run.py figures PEER FOLDER     files *.csv as benchmarks/drift_peers.py writes them → {case: …}

The answer is the last line of standard output, JSON. Peers: nannyml, evidently, alibi-detect, river. Defaults are the peer's own, unless a
comment says why not.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# Two of the peers send usage figures to their makers unless told not to, before they are imported.
os.environ.update(NML_DISABLE_USAGE_LOGGING="1", DO_NOT_TRACK="1")
ROWS = 290
CHUNK = 500


def _load(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, na_values={"total_charges": [""]})


def _streams(folder: Path) -> list[tuple[pd.DataFrame, list[pd.DataFrame]]]:
    heads = sorted(folder.glob("*-reference.csv"))
    return [(_load(head), [_load(path) for path in sorted(folder.glob(f"{head.name[:3]}-window*.csv"))]) for head in heads]


def _texts(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]


def alarms_nannyml(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> dict[str, list[bool]]:
    """PCA reconstruction, domain classifier, and univariate Jensen–Shannon of any column."""
    import nannyml

    given = pd.concat(windows, ignore_index=True)
    columns = list(reference.columns)
    made = {
        "nannyml pca reconstruction": nannyml.DataReconstructionDriftCalculator(column_names=columns, chunk_size=ROWS),
        "nannyml univariate, any": nannyml.UnivariateDriftCalculator(
            column_names=columns, treat_as_categorical=_texts(reference), chunk_size=ROWS
        ),
    }
    found = {}
    for name, calculator in made.items():
        table = calculator.fit(reference).calculate(given).filter(period="analysis").to_df(multilevel=False)
        alerts = [column for column in table.columns if column.endswith("alert")]
        found[name] = [bool(any(row)) for row in table[alerts].fillna(False).to_numpy()]
    return found


def alarms_evidently(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> dict[str, list[bool]]:
    """The preset: drift of half of the columns, its rule for a data set, and of any column."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    half, any_column = [], []
    for window in windows:
        metrics = Report([DataDriftPreset()]).run(window, reference).dict()["metrics"]
        counted = next(
            metric["value"] for metric in metrics if "DriftedColumnsCount" in str(metric.get("metric_name", metric.get("metric_id")))
        )
        half.append(counted["share"] >= 0.5)
        any_column.append(counted["count"] >= 1)
    return {"evidently preset, half": half, "evidently preset, any": any_column}


def alarms_alibi(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> dict[str, list[bool]]:
    """Univariate KS and chi-squared with Bonferroni, at 5 %."""
    from alibi_detect.cd import TabularDrift

    texts = _texts(reference)
    codes = {name: {value: code for code, value in enumerate(sorted(reference[name].unique()))} for name in texts}

    def matrix(frame: pd.DataFrame) -> np.ndarray:
        coded = frame.assign(**{name: frame[name].map(codes[name]) for name in texts})
        return coded.fillna(0).to_numpy(dtype=np.float32)  # it takes no missing numbers: eleven of 7,043

    places = {list(reference.columns).index(name): None for name in texts}
    detector = TabularDrift(matrix(reference), p_val=0.05, categories_per_feature=places)
    return {"alibi-detect tabular": [bool(detector.predict(matrix(window))["data"]["is_drift"]) for window in windows]}


def alarms_river(reference: pd.DataFrame, windows: list[pd.DataFrame]) -> dict[str, list[bool]]:
    """ADWIN of every number, and of every text's most frequent value; a window alarms if any of them changed in it."""
    from river import drift

    tops = {name: reference[name].mode()[0] for name in _texts(reference)}

    def numbers(frame: pd.DataFrame) -> list[list[float]]:
        columns = [(frame[name] == tops[name]) if name in tops else frame[name].fillna(0) for name in frame.columns]
        return [[float(value) for value in column] for column in columns]

    detectors = [drift.ADWIN() for _ in reference.columns]
    found = []
    for frame in [reference, *windows]:
        changed = False
        for detector, values in zip(detectors, numbers(frame), strict=True):
            for value in values:
                detector.update(value)
                changed = changed or detector.drift_detected
        found.append(changed)
    return {"river adwin, any": found[1:]}


def figures_nannyml(folder: Path) -> dict[str, Any]:
    """CBPE, DLE, PCA reconstruction by chunk, and the measures of two columns."""
    import nannyml

    reference, given = _load(folder / "classified-reference.csv"), _load(folder / "classified-window.csv")
    features = [name for name in reference.columns if name not in ("score", "predicted", "truth")]
    wanted = ["roc_auc", "f1", "precision", "recall", "accuracy", "average_precision"]
    cbpe = nannyml.CBPE(
        metrics=wanted, y_pred_proba="score", y_pred="predicted", y_true="truth", problem_type="classification_binary", chunk_size=CHUNK
    )
    estimated = cbpe.fit(reference).estimate(given).filter(period="analysis").to_df(multilevel=False)
    pca = nannyml.DataReconstructionDriftCalculator(column_names=features, chunk_size=CHUNK).fit(reference).calculate(given)
    rebuilt = pca.filter(period="analysis").to_df(multilevel=False)
    return {
        "cbpe": {name: estimated[f"{name}_value"].tolist() for name in wanted},
        "dle": _dle(folder),
        "pca_reconstruction": rebuilt[next(name for name in rebuilt.columns if name.endswith("value"))].tolist(),
        "columns": _nannyml_columns(reference, given),
    }


def _dle(folder: Path) -> dict[str, list[float]]:
    import nannyml

    reference, given = _load(folder / "regressed-reference.csv"), _load(folder / "regressed-window.csv")
    features = [name for name in reference.columns if name not in ("predicted", "truth")]
    wanted = ["mae", "mse", "rmse"]
    dle = nannyml.DLE(feature_column_names=features, y_pred="predicted", y_true="truth", metrics=wanted, chunk_size=CHUNK)
    table = dle.fit(reference).estimate(given).filter(period="analysis").to_df(multilevel=False)
    return {name: table[f"{name}_value"].tolist() for name in wanted}


def _nannyml_columns(reference: pd.DataFrame, given: pd.DataFrame) -> dict[str, float]:
    import nannyml

    calculator = nannyml.UnivariateDriftCalculator(
        column_names=["tenure", "contract"],
        treat_as_categorical=["contract"],
        continuous_methods=["kolmogorov_smirnov", "wasserstein"],
        categorical_methods=["chi2", "jensen_shannon", "hellinger", "l_infinity"],
        chunk_size=len(given),
    )
    table = calculator.fit(reference).calculate(given).filter(period="analysis").to_df(multilevel=False)
    return {name.removesuffix("_value"): float(table[name].iloc[0]) for name in table.columns if name.endswith("_value")}


def figures_evidently(folder: Path) -> dict[str, Any]:
    """Its tests of two columns, each asked for by name."""
    from evidently import Report
    from evidently.metrics import ValueDrift

    reference, given = (_load(folder / f"classified-{part}.csv") for part in ("reference", "window"))
    asked = {"tenure": ["ks", "wasserstein", "psi"], "contract": ["chisquare", "psi", "jensenshannon", "hellinger"]}
    found = {}
    for column, methods in asked.items():
        for method in methods:
            result = Report([ValueDrift(column=column, method=method)]).run(given, reference).dict()["metrics"][0]["value"]
            found[f"{column}_{method}"] = float(result)
    return {"columns": found}


def figures_alibi(folder: Path) -> dict[str, Any]:
    """Its statistics of two columns."""
    from alibi_detect.cd import ChiSquareDrift, KSDrift

    reference, given = (_load(folder / f"classified-{part}.csv") for part in ("reference", "window"))
    codes = {value: code for code, value in enumerate(sorted(reference["contract"].unique()))}
    pairs = {
        "tenure_ks": (KSDrift(reference[["tenure"]].to_numpy(float)), given[["tenure"]].to_numpy(float)),
        "contract_chi2": (
            ChiSquareDrift(reference[["contract"]].replace(codes).to_numpy(int)),
            given[["contract"]].replace(codes).to_numpy(int),
        ),
    }
    found = {}
    for name, (detector, rows) in pairs.items():
        data = detector.predict(rows)["data"]
        found |= {name: float(data["distance"][0]), f"{name}_p": float(data["p_val"][0])}
    return {"columns": found}


def figures_river(folder: Path) -> dict[str, Any]:
    """AUROC by its rolling metric over a whole window (its thresholds are ten by default; here a hundred)."""
    from river import metrics

    given = _load(folder / "classified-window.csv")
    auroc, log_loss = metrics.ROCAUC(n_thresholds=100), metrics.LogLoss()
    for truth, score in zip(given["truth"], given["score"], strict=True):
        auroc.update(bool(truth), {True: score, False: 1 - score})
        log_loss.update(bool(truth), {True: score, False: 1 - score})
    return {"whole": {"auroc": auroc.get(), "log_loss": log_loss.get()}}


ALARMS = {"nannyml": alarms_nannyml, "evidently": alarms_evidently, "alibi-detect": alarms_alibi, "river": alarms_river}
FIGURES = {"nannyml": figures_nannyml, "evidently": figures_evidently, "alibi-detect": figures_alibi, "river": figures_river}


def main() -> None:
    """Answer on the last line."""
    mode, peer, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if mode == "figures":
        answer: dict[str, Any] = FIGURES[peer](folder) | {"version": version(peer)}
    else:
        answer = {}
        for reference, windows in _streams(folder):
            for name, told in ALARMS[peer](reference, windows).items():
                answer.setdefault(name, []).append(told)
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
