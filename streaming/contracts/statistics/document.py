"""Statistics as a file and as records on the metrics topic. The record's schema lies in schemas/statistics/v1.json."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from streaming.contracts.statistics.dataset import PairSummary, Statistics, Summary, summarize
from streaming.contracts.statistics.field import FieldStatistics, FieldSummary
from streaming.contracts.statistics.source import DataError

CHUNK_BYTES = 400_000
"""Size at which a record is full: brokers take messages of 1 MB where nobody has set more."""
_NAMESPACE = uuid.UUID("d6ad9b52-2c5c-5c0e-9df1-0a4c1d4c9a55")


class Document(msgspec.Struct, frozen=True, tag="statistics", tag_field="document"):
    """Statistics in a file. source: the file or topic; at: when they were made, RFC 3339; state: what merges, with sketches in base64."""

    source: str
    at: str
    summary: Summary
    state: Statistics
    version: int = 1


class RecordedField(msgspec.Struct, frozen=True):
    """A field in a record: what a reader wants, and what merges."""

    summary: FieldSummary
    state: FieldStatistics


class StatisticsRecord(msgspec.Struct, frozen=True, tag="statistics", tag_field="record"):
    """Statistics of some rows on the metrics topic. slice_field, slice_value: which rows, "" for all; its fields are cut into chunks."""

    id: str
    at: str
    source: str
    slice_field: str
    slice_value: str
    rows: int
    unreadable: int
    chunk: int
    chunks: int
    fields: dict[str, RecordedField]
    correlation: list[PairSummary]
    association: list[PairSummary]
    version: int = 1


def document_of(statistics: Statistics, source: str, at: str) -> Document:
    """A document of statistics; at: RFC 3339, UTC."""
    return Document(source, at, summarize(statistics), statistics)


def encode_document(document: Document) -> bytes:
    """A document as JSON."""
    return msgspec.json.encode(document)


def read_document(path: Path) -> Document:
    """Statistics that `scoring data describe --json` wrote. Raises DataError."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Document)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a file that `scoring data describe --json` wrote") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: holds no statistics: {error}; write them with `scoring data describe FILE --json`") from None
    if document.version != 1:
        raise DataError(f"{path}: statistics of version {document.version}; expected 1, write them with this release")
    return document


def records_of(document: Document) -> Iterator[StatisticsRecord]:
    """The records of a document: for all rows, then for each slice, each in as many chunks as its size needs."""
    summary, state = document.summary, document.state
    yield from _chunks(document, "", "", state.rows, _recorded(summary.fields, state.fields))
    for name, slices in summary.slices.items():
        for value, part in slices.items():
            yield from _chunks(document, name, value, part.rows, _recorded(part.fields, state.slices[name][value].fields))


def encode_record(record: StatisticsRecord) -> bytes:
    """A record as the bytes that go on the topic."""
    return msgspec.json.encode(record)


def _recorded(summaries: Mapping[str, FieldSummary], states: Mapping[str, FieldStatistics]) -> dict[str, RecordedField]:
    return {name: RecordedField(summary, states[name]) for name, summary in summaries.items()}


def _chunks(document: Document, name: str, value: str, rows: int, fields: Mapping[str, RecordedField]) -> Iterator[StatisticsRecord]:
    parts: list[dict[str, RecordedField]] = [{}]
    size = 0
    for field, recorded in fields.items():
        size += len(msgspec.json.encode(recorded))
        if size > CHUNK_BYTES and parts[-1]:
            parts.append({})
            size = len(msgspec.json.encode(recorded))
        parts[-1][field] = recorded
    for chunk, part in enumerate(parts):
        whole = not name and not chunk
        yield StatisticsRecord(
            id=str(uuid.uuid5(_NAMESPACE, msgspec.json.encode([document.source, document.at, name, value, chunk]).decode())),
            at=document.at,
            source=document.source,
            slice_field=name,
            slice_value=value,
            rows=rows,
            unreadable=document.state.unreadable if not name else 0,
            chunk=chunk,
            chunks=len(parts),
            fields=part,
            correlation=document.summary.correlation if whole else [],
            association=document.summary.association if whole else [],
        )
