"""Every error a user can act on: one class per thing to do about it, one line per message."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """What another library's error says, on one line: without its details, and its type's name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class ScoringError(Exception):
    """Root of the errors that the command prints as one line, with `exit_code`, and no traceback."""

    exit_code = 1


class ConfigError(ScoringError):
    """A setting is unknown, missing or of the wrong type: mend the configuration file named in the message."""

    exit_code = 2


class ContractError(ScoringError):
    """A schema file cannot be used as a contract: mend the schema."""


class InvalidEvent(ScoringError):
    """An event breaks its contract: mend the producer. Raised only where one event is sent, never in the stream."""


class DeliveryError(ScoringError):
    """The broker did not acknowledge a message in time: see that it is up, then send again."""


class OutboxFull(ScoringError):
    """What was tracked waits on disk and has reached its bound: see that the brokers answer, or raise `tracking.outbox_bytes`."""


class ModelError(ScoringError):
    """A model cannot be loaded, verified, or does not fit the schema: register another version or mend the schema."""


class RegistryError(ScoringError):
    """The model registry does not answer or does not know the name: see its address, or register the model."""


class StoreError(ScoringError):
    """The operational store refuses (missing table, wrong role, wrong database): mend it by `scoring store migrate`."""


class TopicError(ScoringError):
    """A topic is missing or its settings lose events: create it by `scoring topics create`."""


class Unavailable(ScoringError):
    """A broker, database or registry cannot be reached just now: wait, and try again; it may come back by itself."""


class ServiceError(ScoringError):
    """An embedded service did not start or stop: the message names its log."""


class SetupError(ScoringError):
    """Something the machine must have is missing (Java, space, network): the message says how to get it."""


class SkewedPlan(ScoringError):
    """The plan log holds something this release cannot read: start with the release that wrote it."""


class CheckpointError(ScoringError):
    """A checkpoint is torn, lacks a file or is another query's: the message says which file, and what to put there."""


class DataGap(ScoringError):
    """Events were deleted before the job read them: bring them back, or let `stream.on_gap` record the gap and go on."""
