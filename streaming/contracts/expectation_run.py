"""Great Expectations run over a prepared frame: verdicts by row, and Data Docs. Imported only where it is asked for: it is slow to load."""

from __future__ import annotations

import html
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from streaming.contracts.expectations import Expected
from streaming.errors import SetupError

_SITE = "scoring"
_VALUES = ("unexpected_list", "partial_unexpected_list", "partial_unexpected_counts")


class Outcome(msgspec.Struct, frozen=True):
    """What one expectation came to. rows: places of the rows that break it, empty for one of the whole table."""

    path: str
    rule: str
    expectation: str
    success: bool
    failed: int
    rows: list[int]


class ExpectationReport(msgspec.Struct, frozen=True):
    """What a suite came to.

    unreadable: lines or messages that hold no row; refused: reason → events that the stream rejects, where a topic was read;
    success: every expectation is met, and there were rows, and nothing was unreadable or refused; docs: index of the Data
    Docs, "" where none were asked for.
    """

    suite: str
    rows: int
    success: bool
    outcomes: list[Outcome]
    unreadable: int = 0
    refused: dict[str, int] = {}
    docs: str = ""

    @property
    def rejected(self) -> dict[int, list[tuple[str, str]]]:
        """Row → (path, rule) of what it breaks."""
        found: dict[int, list[tuple[str, str]]] = {}
        for outcome in self.outcomes:
            for row in outcome.rows:
                found.setdefault(row, []).append((outcome.path, outcome.rule))
        return dict(sorted(found.items()))


def run_expectations(
    frame: pd.DataFrame,
    expected: Sequence[Expected],
    suite: str,
    docs: Path | None = None,
    *,
    unreadable: int = 0,
    refused: Mapping[str, int] | None = None,
) -> ExpectationReport:
    """Hold a prepared frame to expectations; with `docs`, build the Data Docs into that folder.

    unreadable, refused: what was there beside the frame's rows. The docs are pages of HTML that hold the results, of personal
    fields no values, and take their styles from the network. Raises SetupError if they cannot be written.
    """
    import great_expectations as gx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        definition = _definition(gx, context, expected, suite)
        checkpoint = gx.Checkpoint(name=suite, validation_definitions=[definition], result_format={"result_format": "COMPLETE"})
        run = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
        (validated,) = run.run_results.values()
        outcomes = [_outcome(result) for result in validated.results]
        if docs:
            _build_docs(context, docs)
    success = bool(validated.success) and len(frame) > 0 and not unreadable and not refused
    index = str(docs / "index.html") if docs else ""
    return ExpectationReport(suite, len(frame), success, outcomes, unreadable, dict(refused or {}), index)


def suite_json(expected: Sequence[Expected], name: str) -> str:
    """A suite as Great Expectations' own JSON, for who runs it without us over a prepared frame."""
    import great_expectations as gx

    document = gx.ExpectationSuite(name=name, expectations=_expectations(gx, expected)).to_json_dict()
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def _expectations(gx: Any, expected: Sequence[Expected]) -> list[Any]:
    return [
        getattr(gx.expectations, one.expectation)(**one.arguments, meta={"path": one.path, "rule": one.rule, "personal": one.personal})
        for one in expected
    ]


def _definition(gx: Any, context: Any, expected: Sequence[Expected], name: str) -> Any:
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=_expectations(gx, expected)))
    rows = context.data_sources.add_pandas("data").add_dataframe_asset(name).add_batch_definition_whole_dataframe("rows")
    return context.validation_definitions.add(gx.ValidationDefinition(name=name, data=rows, suite=suite))


def _build_docs(context: Any, folder: Path) -> None:
    # Great Expectations writes values into its pages as they are: a value from a stranger could bring a script.
    store = context.validation_results_store
    for key in store.list_keys():
        validated = store.get(key)
        for result in validated.results:
            result.result = _escaped(_masked(result.result) if result.expectation_config.meta["personal"] else result.result)
        store.set(key, validated)
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        context.add_data_docs_site(_SITE, site)
        context.build_data_docs(site_names=[_SITE])
    except OSError as error:
        raise SetupError(f"{folder}: cannot be written ({error.strerror or error}); name another folder for the Data Docs") from None


def _masked(found: dict[str, Any]) -> dict[str, Any]:
    """A result without the values that broke the expectation; their number and places stay."""
    return {name: [] if name in _VALUES else value for name, value in found.items()}


def _escaped(value: Any) -> Any:
    """Every text in a result, also in keys, as HTML may show it."""
    if isinstance(value, dict):
        return {_escaped(name): _escaped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return html.escape(value) if isinstance(value, str) else value


def _outcome(result: Any) -> Outcome:
    found, config = result.result, result.expectation_config
    rows = sorted(int(place) for place in found.get("unexpected_index_list") or [])
    failed = len(rows) or (0 if result.success else 1)
    return Outcome(config.meta["path"], config.meta["rule"], config.type, bool(result.success), failed, rows)
