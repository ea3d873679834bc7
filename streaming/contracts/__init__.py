"""Contracts: the JSON Schema of an event, and the two paths that hold events to it.

    schema file ─► resolve ─► fields ─► Contract ─┬─ compile (fast: msgspec, whole columns; rules, nested) ─► Arrow columns
                                                  └─ exact   (strict JSON + jsonschema-rs, one by one) ─► reasons, or the same

The fast path may pass a row on to the exact path at will; it never accepts what the exact path rejects.
"""

from streaming.contracts.reasons import Reason
from streaming.contracts.schema import Contract, Decoded, load_contract, load_contracts

__all__ = ["Contract", "Decoded", "Reason", "load_contract", "load_contracts"]
