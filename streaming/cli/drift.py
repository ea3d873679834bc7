"""`scoring drift`: drift that takes whole rows, and labels, rather than the histograms on the metrics topic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

drift_app = typer.Typer(no_args_is_help=True, help="Drift of whole rows, of the relation to the outcome, and estimated performance.")

Rows = Annotated[int, typer.Option(min=100, help="Rows read of each side at most: a sample with a fixed seed.")]
Alpha = Annotated[float, typer.Option(min=0, max=1, help="Probability of a false alarm, over all features.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Config = Annotated[Path, typer.Option(help="Configuration file; says where the scoring log and the registry are.")]
Reference = Annotated[str, typer.Argument(help="Rows to compare with: .csv, .parquet, or START/END of the scoring log.")]
Window = Annotated[str, typer.Argument(help="Rows to judge: likewise.")]
Target = Annotated[str, typer.Option(help="Column of the outcome.")]
Positive = Annotated[str, typer.Option(help="Value of the positive outcome.")]
Labels = Annotated[Path | None, typer.Option(help="Labels of the window, .csv or .parquet: prediction_id and the outcome.")]
_CONFIG = Path("conf/local.toml")
_OWN = ("prediction_id", "score")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(drift_app, name="drift")


@drift_app.command()
def joint(
    reference: Reference,
    window: Window,
    target: Annotated[str, typer.Option(help="Column that is the outcome, and no feature.")] = "",
    rows: Rows = 5_000,
    alpha: Alpha = 0.01,
    as_json: AsJson = False,
    config: Config = _CONFIG,
) -> None:
    """Tell whether the columns drifted together: by PCA reconstruction, and by a classifier that tells both sides apart.

    Each of the two has half of the probability of a false alarm. Exit codes: 0 no drift; 1 drift; 2 the rows cannot be read.
    """
    from streaming.cli.drift_spans import Place
    from streaming.cli.drift_tables import show_joint
    from streaming.drift.domain_classifier import separation
    from streaming.drift.reconstruction import fit_reconstruction, reconstruction_drift

    sides = [Place(text, config, rows).frame().drop(columns=[*_OWN, target], errors="ignore") for text in (reference, window)]
    before, now = _alike(*sides)
    found = separation(before, now, alpha=alpha / 2)
    verdicts = [reconstruction_drift(fit_reconstruction(before), now, alpha=alpha / 2), found.verdict]
    show_joint(verdicts, found.importance, (len(before), len(now)), as_json=as_json)
    if any(verdict.drifted for verdict in verdicts):
        raise typer.Exit(1)


@drift_app.command()
def concept(
    reference: Reference,
    window: Window,
    target: Target = "churn",
    positive: Positive = "Yes",
    labels: Labels = None,
    reference_labels: Annotated[Path | None, typer.Option(help="Labels of the reference, where it is a span of the log.")] = None,
    rows: Rows = 20_000,
    alpha: Alpha = 0.01,
    as_json: AsJson = False,
    config: Config = _CONFIG,
) -> None:
    """Tell which features relate to the outcome otherwise than before: likelihood ratio tests, Holm over the features.

    Rows without a label are left out. Exit codes: 0 none; 1 at least one; 2 the rows cannot be read.
    """
    from streaming.cli.drift_spans import Place, labelled
    from streaming.cli.drift_tables import show_concept
    from streaming.drift.concept import concept_drift

    pairs = ((reference, reference_labels), (window, labels))
    sides = [labelled(Place(text, config, rows).frame(), file, target, rows) for text, file in pairs]
    outcomes = [(side[target].astype(str) == positive).to_numpy() for side in sides]
    before, now = _alike(*(side.drop(columns=[*_OWN, target], errors="ignore") for side in sides))
    found = concept_drift(before, outcomes[0], now, outcomes[1], alpha=alpha)
    show_concept(found, (len(before), len(now)), as_json=as_json)
    if any(one.drifted for one in found):
        raise typer.Exit(1)


@drift_app.command()
def estimate(
    window: Annotated[str, typer.Argument(help="Span of the scoring log: START/END; or a file with a column score.")],
    target: Target = "churn",
    positive: Positive = "Yes",
    labels: Labels = None,
    rows: Rows = 100_000,
    as_json: AsJson = False,
    config: Config = _CONFIG,
) -> None:
    """Estimate how good the served model was without labels; with --labels, on the labelled rows, and hold it to them.

    Assumes that the relation of score to outcome is that of training: it is blind to concept drift.
    Exit codes: 0, or 2 if the rows cannot be read; 1 if the model was registered before calibrations were kept.
    """
    from streaming.cli.drift_spans import Place, labelled, served
    from streaming.cli.drift_tables import show_estimate
    from streaming.config import load_settings
    from streaming.truth.on_rows import estimate_rows

    frame = Place(window, config, rows).frame()
    outcome = None
    if labels is not None or target in frame.columns:
        frame = labelled(frame, labels, target, rows)
        outcome = (frame[target].astype(str) == positive).to_numpy()
    found = estimate_rows(
        served(load_settings(config, without=("kafka", "store"))).manifest, frame["score"].to_numpy(dtype="float64"), outcome
    )
    show_estimate(found, len(frame), as_json=as_json)


def _alike(before: pd.DataFrame, now: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides with the columns that both have, of one kind each, without texts that seldom come twice: those are ids.

    Raises BadParameter if there are none.
    """
    import pandas as pd

    common = [name for name in before.columns if name in now.columns]
    numeric = {name for name in common if all(pd.api.types.is_numeric_dtype(side[name]) for side in (before, now))}
    names = [name for name in common if name in numeric or before[name].nunique() <= len(before) / 2]
    if not names:
        raise typer.BadParameter("the two sides have no column in common that is a feature")
    kinds = {name: "float64" if name in numeric else "object" for name in names}
    return before[names].astype(kinds), now[names].astype(kinds)
