"""What the driver writes beside the events: who served from when, and how many were rejected. Only PostgreSQL keeps it."""

from __future__ import annotations

from streaming.metrics.records import Metrics
from streaming.models.plan import Plan
from streaming.settings import Store
from streaming.sinks.deployment_log import DeploymentLog
from streaming.sinks.pool import Pool
from streaming.sinks.rejection_summary import RejectionSummary


class Bookkeeping:
    """The deployment log and the summary of rejections, over one pool; without PostgreSQL among the stores it does nothing."""

    def __init__(self, store: Store) -> None:
        self._pool: Pool | None = None
        if "postgres" in store.kinds:
            self._pool = Pool(store.dsn.get_secret_value(), statement_timeout_s=store.statement_timeout_s)
            self._log, self._summary = DeploymentLog(self._pool), RejectionSummary(self._pool)

    def begin(self, plan: Plan) -> None:
        """To be called before a batch runs: its version is noted. Raises Unavailable (again, then), StoreError."""
        if self._pool:
            self._log.note(plan)

    def end(self, record: Metrics) -> None:
        """To be called once the batch's record is acknowledged: its rejections are summed up. Raises as `begin`."""
        if self._pool:
            self._summary.write(record)
