"""The statements by which a batch goes into the store: copied into temporary tables, then added set by set, in the order of keys."""

from __future__ import annotations

from streaming.metrics.series import LEVELS

SERIES = "deployment, name, model, model_version, label"
SUM_COLUMNS = f"level, {SERIES}, at, n, total, squares, least, most, latest, latest_at, bins, kll"
VALUE_COLUMNS = f"{SERIES}, at, began_at, value, low, high, n, recorded_at"
TEMPORARY = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming_sum (
        level text, deployment text, name text, model text, model_version text, label text, at timestamptz, n bigint,
        total double precision, squares double precision, least double precision, most double precision,
        latest double precision, latest_at timestamptz, bins jsonb, kll bytea, series_id bigint) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming_value (
        deployment text, name text, model text, model_version text, label text, at timestamptz, began_at timestamptz,
        value double precision, low double precision, high double precision, n bigint, recorded_at timestamptz, series_id bigint)
        ON COMMIT DELETE ROWS"""
LOCK = "SELECT pg_advisory_xact_lock(96485863)"  # any constant of ours: writers of the store take turns
MAKE_OFFSET = "INSERT INTO metric_offset VALUES (%(topic)s, %(partition)s, 0) ON CONFLICT DO NOTHING"
READ_OFFSET = "SELECT next FROM metric_offset WHERE topic = %(topic)s AND partition = %(partition)s"
SET_OFFSET = "UPDATE metric_offset SET next = %(next)s WHERE topic = %(topic)s AND partition = %(partition)s"
REMEMBER = """
    INSERT INTO metric_record (kind, record_id) SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING kind, record_id"""
_COMPARED = " AND ".join(f"s.{name} = i.{name}" for name in SERIES.split(", "))


def new_series(incoming: str) -> str:
    """Make the series that an incoming table names and the store does not have, and note each row's."""
    return f"""
        INSERT INTO metric_series ({SERIES})
        SELECT DISTINCT {SERIES} FROM {incoming} i WHERE NOT EXISTS (SELECT 1 FROM metric_series s WHERE {_COMPARED}) ORDER BY {SERIES}
        ON CONFLICT DO NOTHING;
        UPDATE {incoming} i SET series_id = s.series_id FROM metric_series s WHERE {_COMPARED}"""  # noqa: S608 (names of ours)


def add_sums(level: str) -> str:
    """Add incoming sums of a level to what is there. Their kll is merged with the store's before."""
    return f"""
        INSERT INTO metric_{level} AS m (series_id, at, n, total, squares, least, most, latest, latest_at, bins, kll)
        SELECT series_id, at, n, total, squares, least, most, latest, latest_at, bins, kll
        FROM incoming_sum WHERE level = '{level}' ORDER BY series_id, at
        ON CONFLICT (series_id, at) DO UPDATE SET
            n = m.n + EXCLUDED.n, total = m.total + EXCLUDED.total, squares = m.squares + EXCLUDED.squares,
            least = least(m.least, EXCLUDED.least), most = greatest(m.most, EXCLUDED.most),
            latest = CASE WHEN m.latest_at IS NULL OR EXCLUDED.latest_at >= m.latest_at THEN EXCLUDED.latest ELSE m.latest END,
            latest_at = greatest(m.latest_at, EXCLUDED.latest_at),
            bins = CASE WHEN m.bins IS NULL AND EXCLUDED.bins IS NULL THEN NULL ELSE metric_bins(m.bins, EXCLUDED.bins) END,
            kll = coalesce(EXCLUDED.kll, m.kll)"""  # noqa: S608


STORED_KLL = " UNION ALL ".join(
    f"SELECT i.ctid::text, i.kll, m.kll FROM incoming_sum i JOIN metric_{level} m USING (series_id, at) "  # noqa: S608
    f"WHERE i.level = '{level}' AND i.kll IS NOT NULL AND m.kll IS NOT NULL AND m.at BETWEEN %(first_{level})s AND %(last_{level})s"
    for level in LEVELS
)
SET_KLL = "UPDATE incoming_sum SET kll = %s WHERE ctid = %s::tid"
PUT_VALUES = """
    INSERT INTO metric_value AS v (series_id, at, began_at, value, low, high, n, recorded_at)
    SELECT DISTINCT ON (series_id, at, began_at) series_id, at, began_at, value, low, high, n, recorded_at
    FROM incoming_value ORDER BY series_id, at, began_at, recorded_at DESC
    ON CONFLICT (series_id, at, began_at) DO UPDATE
    SET value = EXCLUDED.value, low = EXCLUDED.low, high = EXCLUDED.high, n = EXCLUDED.n, recorded_at = EXCLUDED.recorded_at
    WHERE EXCLUDED.recorded_at >= v.recorded_at"""
_REPLACED = ", ".join(f"{name} = EXCLUDED.{name}" for name in ("n", "total", "squares", "least", "most", "latest", "latest_at"))


def again(level: str) -> str:
    """Add single values up again for the hours or days that incoming ones lie in. Parameters: first and last of their times."""
    return f"""
        INSERT INTO metric_{level} (series_id, at, n, total, squares, least, most, latest, latest_at)
        SELECT v.series_id, touched.span, count(*), sum(v.value), sum(v.value * v.value), min(v.value), max(v.value),
               (array_agg(v.value ORDER BY v.at DESC, v.began_at DESC))[1], max(v.at)
        FROM (SELECT DISTINCT series_id, date_trunc('{level}', at, 'UTC') AS span FROM incoming_value) AS touched
        JOIN metric_value v ON v.series_id = touched.series_id AND v.at >= touched.span AND v.at < touched.span + interval '1 {level}'
        WHERE v.at >= date_trunc('{level}', %(first)s::timestamptz, 'UTC')
          AND v.at < date_trunc('{level}', %(last)s::timestamptz, 'UTC') + interval '1 {level}'
        GROUP BY v.series_id, touched.span ORDER BY 1, 2
        ON CONFLICT (series_id, at) DO UPDATE SET {_REPLACED}"""  # noqa: S608


PUT_TRACKED = """
    INSERT INTO metric_tracked (record_id, at, call, deployment, model, model_version, prediction_id, began_at, ended_at, metrics)
    VALUES (%(id)s, %(at)s, %(call)s, %(deployment)s, %(model)s, %(model_version)s, %(prediction_id)s, %(start)s, %(end)s, %(metrics)s)
    ON CONFLICT DO NOTHING"""
PUT_STRANGE = """
    INSERT INTO metric_unknown (topic, partition, place, kind, fault, value) VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
