"""The demo's data: the telco churn table in examples/churn, its parts, and its customers as fields of events."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pandas as pd

from streaming.errors import ConfigError

TARGET = "churn"
POSITIVE = "Yes"
HELD_OUT_PERCENT = 30
DEFAULT_DATA = Path("examples/churn/telco_churn.csv")

CATEGORICAL = (
    "multiple_lines",
    "internet_service",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "contract",
    "payment_method",
)
NUMERIC = (
    "female",
    "senior_citizen",
    "partner",
    "dependents",
    "tenure",
    "phone_service",
    "paperless_billing",
    "monthly_charges",
    "total_charges",
)


def load_telco(path: Path = DEFAULT_DATA) -> pd.DataFrame:
    """The table, one row a customer, with `customer_id` (C0000000 for the first row) as its index.

    Integer columns are int64, money float64 (missing as NaN), texts object. Raises ConfigError if the file is not there
    or lacks a column.
    """
    texts = dict.fromkeys((TARGET, *CATEGORICAL), object)
    try:
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"total_charges": [""]})
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name the churn table with --data") from None
    missing = sorted({TARGET, *CATEGORICAL, *NUMERIC} - set(frame.columns))
    if missing:
        raise ConfigError(f"{path}: column {', '.join(missing)} is missing; name the churn table with --data")
    frame.index = pd.Index([customer_id(position) for position in range(len(frame))], name="customer_id")
    return frame


def customer_id(position: int) -> str:
    """The id of the customer in a row of the table.

    >>> customer_id(1234)
    'C0001234'
    """
    return f"C{position:07d}"


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training part and held-out part (30 %), by a hash of the customer id: the same on every machine and release."""
    held_out = pd.Series([_held_out(str(customer)) for customer in frame.index], index=frame.index)
    return frame[~held_out], frame[held_out]


def event_fields(frame: pd.DataFrame) -> list[dict[str, str | int | float | None]]:
    """`customer_id` and the features of each customer as Python scalars, missing ones as None, the outcome left out."""
    rows = frame.drop(columns=TARGET).reset_index().astype(object)
    return rows.where(rows.notna(), None).to_dict("records")  # type: ignore[return-value]  # pandas-stubs: keys are Hashable


def _held_out(customer: str) -> bool:
    return int.from_bytes(sha256(customer.encode()).digest()[:8]) % 100 < HELD_OUT_PERCENT
