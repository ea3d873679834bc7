"""scoring data: look at a data set or a window of a topic, and hold it to a contract."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(no_args_is_help=True, help="Statistics and anomalies of data files and topics.")

File = Annotated[Path | None, typer.Argument(help="Data: .csv, .jsonl, .parquet, .arrow or .feather.", show_default=False)]
Topic = Annotated[str, typer.Option(help="Read this topic instead of a file.")]
Last = Annotated[int, typer.Option(min=1, help="Of a topic: its newest messages.")]
Window = Annotated[float, typer.Option(min=0, help="Of a topic: the messages of the last seconds, instead of --last.")]
Schema = Annotated[str, typer.Option(help="Contract: NAME/VERSION below --schemas, or a file <event>/v<N>.json.")]
Schemas = Annotated[Path, typer.Option(help="Folder of the schemas.")]
Training = Annotated[bool, typer.Option("--training", help="The data are for training: the target stands in them.")]
NoMetadata = Annotated[bool, typer.Option("--no-metadata", help="The data lack ids and times (x-role metadata), as training tables do.")]
Page = Annotated[Path | None, typer.Option(help="Write an HTML page to look at.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the result as one JSON object.")]
Publish = Annotated[bool, typer.Option("--publish", help="Publish the result on the metrics topic too.")]
Config = Annotated[Path, typer.Option(help="Configuration file, for --topic and --publish.")]
_CONFIG, _SCHEMAS = Path("conf/local.toml"), Path("schemas")


class Measure(StrEnum):
    """How far two distributions of numbers lie apart."""

    JS = "js"
    PSI = "psi"


def register(app: typer.Typer) -> None:
    """Add the command group `data`."""
    app.add_typer(data_app, name="data")


@data_app.command()
def describe(
    file: File = None,
    topic: Topic = "",
    last: Last = 10_000,
    window: Window = 0,
    slices: Annotated[list[str] | None, typer.Option("--slice", help="Statistics by value of this field too; may be repeated.")] = None,
    schema: Schema = "",
    schemas: Schemas = _SCHEMAS,
    out: Page = None,
    as_json: AsJson = False,
    publish: Publish = False,
    config: Config = _CONFIG,
) -> None:
    """Describe data in one pass: presence, types, quantiles, top values, slices, correlation and association.

    --json writes statistics that `scoring data validate --baseline` reads. With --schema, times are read as such, the values
    of personal fields are not kept, and integers with an enum are associated like texts.

    Exit codes: 0, or 2 if the data cannot be read, a field to slice by is not there, or there is no such contract.
    """
    from streaming.cli.data_source import Source, find_contract, publish_statistics, show_statistics
    from streaming.contracts.statistics.document import encode_document
    from streaming.report.data_page import write_data

    contract = find_contract(schema, schemas, "training") if schema else None
    document = Source(file, topic, last, window, config).document(contract, slices or [])
    if out:
        write_data(document, out)
    if publish:
        publish_statistics(document, config)
    if as_json:
        typer.echo(encode_document(document))
    else:
        show_statistics(document)


@data_app.command()
def validate(
    file: File = None,
    schema: Schema = "",
    topic: Topic = "",
    last: Last = 10_000,
    window: Window = 0,
    baseline: Annotated[Path | None, typer.Option(help="Statistics to compare with, from `scoring data describe --json`.")] = None,
    skew: Annotated[bool, typer.Option("--skew", help="The baseline is training data; without it, an earlier span of the same.")] = False,
    measure: Annotated[Measure, typer.Option(help="For numbers: js (Jensen–Shannon, in bits) or psi (in nats).")] = Measure.JS,
    max_distance: Annotated[float | None, typer.Option(min=0, help="Largest js or psi of numbers.  [default: js 0.03, psi 0.2]")] = None,
    max_category: Annotated[float, typer.Option(min=0, max=1, help="Largest difference of a category's share (L-infinity).")] = 0.1,
    max_presence: Annotated[float, typer.Option(min=0, max=1, help="Largest difference of the share of rows with a value.")] = 0.05,
    write_schema: Annotated[Path | None, typer.Option(help="Folder for the proposed next version, <event>/v<N+1>.json.")] = None,
    schemas: Schemas = _SCHEMAS,
    training: Training = False,
    no_metadata: NoMetadata = False,
    out: Page = None,
    as_json: AsJson = False,
    config: Config = _CONFIG,
) -> None:
    """Hold data to a contract and to a baseline.

    Each anomaly is told with its numbers and two ways out: mend the data, or change the schema.

    Exit codes: 0 no anomaly; 1 anomalies; 2 the data or the baseline cannot be read, there is no such contract, or no schema
    could be proposed (the anomalies are told all the same).
    """
    from streaming.cli.data_source import Source, find_contract, hold, propose_schema, show_anomalies
    from streaming.contracts.statistics.against_baseline import thresholds

    limits = thresholds(measure.value, max_distance, max_category, max_presence)
    contract = find_contract(schema, schemas, "training" if training else "serving")
    document = Source(file, topic, last, window, config).document(contract)
    report = hold(document, contract, baseline, "skew" if skew else "drift", limits, metadata=not no_metadata, page=out)
    proposal = propose_schema(contract, report, write_schema)
    show_anomalies(report, proposal, as_json=as_json)
    if report.anomalies:
        raise typer.Exit(2 if proposal.error else 1)


@data_app.command()
def expectations(
    file: File = None,
    schema: Schema = "",
    topic: Topic = "",
    last: Last = 10_000,
    window: Window = 0,
    docs: Annotated[Path | None, typer.Option(help="Build Data Docs into this folder.")] = None,
    schemas: Schemas = _SCHEMAS,
    training: Training = False,
    no_metadata: NoMetadata = False,
    as_json: AsJson = False,
    publish: Publish = False,
    config: Config = _CONFIG,
) -> None:
    """Hold data to the Great Expectations suite of a contract, row by row; exit code 1 if an expectation fails.

    A topic is read as the stream reads it: in every wire format, and events of other schema versions lifted to this one. What
    is unreadable or rejected by the stream is a failure too, and so is a file or window without rows.
    """
    import msgspec

    from streaming.cli.data_expectations import hold_to_suite, show_beside
    from streaming.cli.data_source import Source, find_contract, publish_expectations, show_outcomes
    from streaming.contracts.expectations import inexpressible

    contract, metadata = find_contract(schema, schemas, "training" if training else "serving"), not no_metadata
    source = Source(file, topic, last, window, config)
    report = hold_to_suite(source, contract, metadata=metadata, docs=docs)
    untold = inexpressible(contract, metadata=metadata)
    if publish:
        publish_expectations(report, source.name, config)
    if as_json:
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(report), "inexpressible": untold}))
    else:
        show_outcomes(report, untold)
        show_beside(report)
    if not report.success:
        raise typer.Exit(1)
