"""The rejected topic as rejections: each event once, however often it was tried."""

from __future__ import annotations

from streaming.kafka.topic_span import Span, read
from streaming.replay.rejection import Address, Rejection, rejection_of
from streaming.settings import Kafka


def read_rejections(kafka: Kafka, topic: str, span: Span) -> dict[Address, Rejection]:
    """Each rejected event of a span once, by its first address, in the order of the topic. Raises as `read`.

    It has the reason of its last attempt and the place of its first. Holds some hundred bytes for each, and no values.
    """
    found: dict[Address, Rejection] = {}
    for message in read(kafka, topic, span):
        rejection = rejection_of(message)
        if rejection is not None:
            known = found.get(rejection.address)
            found[rejection.address] = known.again(rejection) if known else rejection
    return found
