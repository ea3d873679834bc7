"""The table `deployment_log`: which exact version served from when, by whose hand and why. Rows are added, never changed.

Delivery: at least once with idempotent effect. A plan that is noted again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.types.json import Jsonb

from streaming.models.plan import Plan, PlannedModel
from streaming.sinks.pool import Pool

_JOB = "score_events"
# The row is added only where the variant's newest one names another version; a plan of a batch that is done again is known.
_INSERT = """
    INSERT INTO deployment_log (deployment, role, variant, model_name, model_version, sha256, from_time, plan_id,
                                changed_by, reason, evidence, version_before)
    SELECT %(deployment)s, %(role)s, %(variant)s, %(name)s, %(version)s, %(sha256)s, %(now)s, %(plan_id)s,
           %(changed_by)s, %(reason)s, %(evidence)s, before.model_version
    FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
        SELECT model_name, model_version, sha256 FROM deployment_log
        WHERE deployment = %(deployment)s AND variant = %(variant)s ORDER BY id DESC LIMIT 1
    ) AS before ON true
    WHERE (before.model_name, before.model_version, before.sha256) IS DISTINCT FROM (%(name)s, %(version)s, %(sha256)s)
    ON CONFLICT (deployment, variant, plan_id) DO NOTHING"""


class DeploymentLog:
    """Notes the versions that plans name; asks the store only when a plan names another one than the plan before."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted: tuple[str, PlannedModel] | None = None

    def note(self, plan: Plan, *, changed_by: str = _JOB, reason: str = "", evidence: Mapping[str, object] | None = None) -> None:
        """Note the version that the plan's batch will run under, unless the variant's newest row names it.

        changed_by: person or program that chose it; reason: in words, by default what the plan tells; evidence: any JSON.
        Raises Unavailable, StoreError.
        """
        serving = (plan.deployment, plan.champion)
        if serving == self._noted:
            return
        model = plan.champion
        words = {"deployment": plan.deployment, "now": plan.now, "plan_id": plan.plan_id, "role": model.role, "variant": model.variant}
        words |= {"name": model.name, "version": model.version, "sha256": model.sha256, "changed_by": changed_by}
        words |= {"reason": reason or _reason(plan), "evidence": Jsonb(dict(evidence or {}))}

        def insert(connection: psycopg.Connection) -> None:
            connection.execute(_INSERT.encode(), words)

        self._pool.run(insert, what="a deployment")
        self._noted = serving


def _reason(plan: Plan) -> str:
    return (
        f"revision {plan.revision} of a plan that could not be carried out"
        if plan.revision
        else f"the registry named this {plan.champion.role}"
    )
