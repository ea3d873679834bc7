"""Training of a deployment's model on a table: which columns count, and as what, is read from the event's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from streaming.contracts import Contract, load_contract
from streaming.errors import ConfigError
from streaming.local.telco import customer_id, split
from streaming.models.artifact import Artifact
from streaming.models.deployment import Deployment, load_deployment
from streaming.models.formats.skops import load
from streaming.models.registry import ExactVersion, Registry
from streaming.models.training import Task, task_of, train
from streaming.settings import Settings

_FEWEST = 10  # rows of a class: five folds of the training part need two each


def train_table(
    settings: Settings, data: Path, deployment: Path | None = None, *, check: bool = True, slices: Sequence[str] = ()
) -> tuple[ExactVersion, Artifact]:
    """Train the deployment's model (by default that of the settings) on a CSV file, and register it under its alias.

    Features and target are those of the deployment's contract. 70 % of the rows train, 30 % measure, parted by a hash of the
    entity. check: hold the table to its contract first, row by row. slices: categorical features by whose values drift is
    watched too. Raises ConfigError, ContractError, DataError, ModelError,
    RegistryError or Unavailable.
    """
    served = load_deployment(deployment or settings.deployment)
    contract = load_contract(settings.schemas / served.event / f"v{served.schema_version}.json", "training")
    frame = load_table(data, contract)
    if check:
        from streaming.local.table_check import check_table  # Great Expectations takes seconds to load

        check_table(frame, contract, data)
    task = replace(task_of(contract, served.champion.model), slices=tuple(slices))
    return register(settings, served, task, frame)


def register(settings: Settings, deployment: Deployment, task: Task, frame: pd.DataFrame) -> tuple[ExactVersion, Artifact]:
    """Train, measure, load from the bytes, verify, and register for the deployment's champion.

    frame: features and the target as text; its index says whom a row is about. Raises as `train_table` does.
    """
    training, held_out = split(frame)
    artifact = train(task, training, held_out)
    load(artifact, artifact.manifest.sha256)
    return Registry(settings.registry).register(artifact, alias=deployment.champion.alias), artifact


def load_table(path: Path, contract: Contract) -> pd.DataFrame:
    """The features and the target of a CSV file, in the file's order; the index is the entity, or the row's number.

    contract: as training has it. Numbers and booleans become float64 or int64 (missing NaN), texts objects, the target text.
    Raises ConfigError if the file cannot be read, lacks a column, holds a word where a number belongs, or too few of a class.
    """
    target = str((contract.target or {})["field"])
    kinds = {field.name: field.kind for field in contract.fields if field.role == "feature" and field.name != target}
    odd = sorted(name for name, kind in kinds.items() if kind in ("timestamp", "json"))
    if odd:
        raise ConfigError(f"{contract.event}: {', '.join(odd)} cannot be trained on; give it the x-role metadata in the schema")
    frame = _read(path)
    missing = sorted({target, *kinds} - set(frame.columns))
    if missing:
        raise ConfigError(f"{path}: column {', '.join(missing)} is missing; name the table of {contract.event} with --data")
    counts = frame[target].value_counts()
    if len(counts) < 2 or counts.min() < _FEWEST:
        raise ConfigError(f"{path}: {target} has {dict(counts)} rows; expected two classes with at least {_FEWEST} each")
    names = frame[contract.entity] if contract.entity in frame.columns else [customer_id(row) for row in range(len(frame))]
    chosen = frame[[name for name in frame.columns if name == target or name in kinds]]
    columns = {name: _column(chosen[name], kinds.get(name, "string"), path) for name in chosen.columns}
    return pd.DataFrame(columns).set_axis(pd.Index(names, name=contract.entity), axis="index")


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=object, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a table with --data") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not CSV: {str(error).splitlines()[0]}; mend the file") from None


def _column(texts: pd.Series, kind: str, path: Path) -> pd.Series:
    if kind == "string":
        return texts
    read = texts.map({"true": 1.0, "false": 0.0}) if kind == "boolean" else pd.to_numeric(texts, errors="coerce")
    strange = texts[read.isna() & texts.notna()]
    if len(strange):
        raise ConfigError(f"{path}: column {texts.name} holds {strange.iloc[0]!r}; expected a {kind} or nothing")
    return read
