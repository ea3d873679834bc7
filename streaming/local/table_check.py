"""A training table held to its contract before anything is learned from it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from streaming.contracts import Contract
from streaming.contracts.expectation_run import Outcome, run_expectations
from streaming.contracts.expectations import expected_of, prepare_table, suite_name
from streaming.contracts.statistics.source import DataError

_SHOWN = 3


def check_table(frame: pd.DataFrame, contract: Contract, source: Path) -> None:
    """Hold the features and the target of a table to the suite of the contract (Great Expectations), row by row.

    frame: as `load_table` makes it; contract: as training has it; source: for the message. Raises DataError that names what is
    broken: mend the table, or the schema.
    """
    flags = [field.name for field in contract.fields if field.kind == "boolean" and field.name in frame]
    table = frame.assign(**{name: frame[name].map({1.0: True, 0.0: False}) for name in flags})  # models take numbers for them
    report = run_expectations(prepare_table(table, contract, metadata=False), expected_of(contract, metadata=False), suite_name(contract))
    if broken := [outcome for outcome in report.outcomes if not outcome.success]:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        raise DataError(
            f"{source}: breaks {contract.event} v{contract.version}: {', '.join(map(_told, broken[:_SHOWN]))}{more}; "
            "`scoring data expectations` tells the rest; mend the table or the schema, or train with --no-check"
        )


def _told(outcome: Outcome) -> str:
    return f"{outcome.path or 'table'} {outcome.rule} ({outcome.failed:,} rows, the first is {outcome.rows[0] + 1:,})"
