"""Statistics of data, and what they say about a contract.

    source (files, messages) ─► column (blocks) ─► dataset (field, pairs; sketches, moments) ─► summary
                                                       └─► anomalies (contract), baseline (other data) ─► proposal (next version)

Statistics are plain values: those of two halves merge to those of the whole.
"""

from streaming.contracts.statistics.dataset import Statistics, Summary, describe, merge_statistics, summarize
from streaming.contracts.statistics.source import DataError, blocks_of_messages, read_blocks

__all__ = ["DataError", "Statistics", "Summary", "blocks_of_messages", "describe", "merge_statistics", "read_blocks", "summarize"]
