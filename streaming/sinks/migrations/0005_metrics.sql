-- The metric store. One job writes it from the metrics topic: rows, offsets and ids of records in one transaction.
-- A series is one figure of one model (or deployment, where model is empty); label is what it is split by, such as a reason or a feature.
CREATE TABLE metric_series (
    series_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deployment    text   NOT NULL,
    name          text   NOT NULL,
    model         text   NOT NULL,
    model_version text   NOT NULL,
    label         text   NOT NULL,
    UNIQUE (deployment, name, model, model_version, label)
);

-- What was said of a series in a minute, an hour, a day: sums and counts are exact and merge by addition. Sketches: counts of bins
-- (bin → count; latencies, histograms over frozen bins) merge exactly, kll is a KLL sketch of Apache DataSketches.
CREATE TABLE metric_minute (
    series_id bigint           NOT NULL,
    at        timestamptz      NOT NULL,  -- when the minute begins
    n         bigint           NOT NULL,  -- values
    total     double precision NOT NULL,  -- their sum
    squares   double precision NOT NULL,  -- the sum of their squares
    least     double precision,           -- null where only the sum is known
    most      double precision,
    latest    double precision,
    latest_at timestamptz,
    bins      jsonb,
    kll       bytea,
    PRIMARY KEY (series_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE metric_hour (LIKE metric_minute INCLUDING ALL) PARTITION BY RANGE (at);
CREATE TABLE metric_day (LIKE metric_minute INCLUDING ALL) PARTITION BY RANGE (at);

-- Single values: of a window of drift, an estimate, a quality figure, a tracked aggregate. Said again by a newer record it is replaced;
-- its hour and day are then added up again from here.
CREATE TABLE metric_value (
    series_id   bigint           NOT NULL,
    at          timestamptz      NOT NULL,  -- when what it is about ends
    began_at    timestamptz      NOT NULL,
    value       double precision NOT NULL,
    low         double precision,           -- of its confidence interval
    high        double precision,
    n           bigint,                     -- what it is computed from
    recorded_at timestamptz      NOT NULL,
    PRIMARY KEY (series_id, at, began_at)
) PARTITION BY RANGE (at);

-- Calls of the metrics SDK.
CREATE TABLE metric_tracked (
    record_id     text        NOT NULL,
    at            timestamptz NOT NULL,
    call          text        NOT NULL CHECK (call IN ('prediction', 'delayed', 'aggregate')),
    deployment    text        NOT NULL,
    model         text        NOT NULL,
    model_version text        NOT NULL,
    prediction_id text        NOT NULL,  -- empty for an aggregate
    began_at      timestamptz,           -- of an aggregate: began_at <= time < ended_at
    ended_at      timestamptz,
    metrics       jsonb       NOT NULL,
    PRIMARY KEY (at, record_id)
) PARTITION BY RANGE (at);
CREATE INDEX metric_tracked_prediction ON metric_tracked (prediction_id) WHERE prediction_id <> '';
CREATE INDEX metric_tracked_deployment ON metric_tracked (deployment, call, at);

CREATE TABLE metric_minute_default PARTITION OF metric_minute DEFAULT;
CREATE TABLE metric_hour_default PARTITION OF metric_hour DEFAULT;
CREATE TABLE metric_day_default PARTITION OF metric_day DEFAULT;
CREATE TABLE metric_value_default PARTITION OF metric_value DEFAULT;
CREATE TABLE metric_tracked_default PARTITION OF metric_tracked DEFAULT;

-- Records that are in the store: a record that comes again changes nothing. Remembered for longer than the topic keeps them.
CREATE TABLE metric_record (
    record_id text        NOT NULL,
    kind      text        NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, record_id)
);
CREATE INDEX metric_record_stored ON metric_record USING brin (stored_at);

-- Messages that this release cannot read, or whose kind it does not know: kept as they came.
CREATE TABLE metric_unknown (
    topic     text        NOT NULL,
    partition integer     NOT NULL,
    place     bigint      NOT NULL,
    kind      text        NOT NULL,  -- what it says that it is; empty where it says nothing
    fault     text        NOT NULL,
    value     bytea,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, place)
);

-- How far the topic is in the store.
CREATE TABLE metric_offset (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    next      bigint  NOT NULL,  -- the first offset that is not in the store
    PRIMARY KEY (topic, partition)
);

-- Sum of two tables of counts, bin by bin.
CREATE FUNCTION metric_bins(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN a IS NULL THEN b WHEN b IS NULL THEN a ELSE (
        SELECT coalesce(jsonb_object_agg(bin, count), '{}')
        FROM (SELECT key AS bin, sum(value::bigint) AS count
              FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) AS both_sides GROUP BY key) AS summed
    ) END
$$;
CREATE AGGREGATE metric_bins_sum (jsonb) (SFUNC = metric_bins, STYPE = jsonb, COMBINEFUNC = metric_bins, PARALLEL = SAFE);

-- Makes the partition of `parent` that a day lies in (a day's, a month's or a year's, by the table), and moves its rows out of the default
-- one. Returns its name, null if it was there. It runs as the tables' owner, so that the writer may call it for days around now.
CREATE FUNCTION make_metric_partition(parent text, day date) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    span   text := CASE parent WHEN 'metric_minute' THEN 'day' WHEN 'metric_day' THEN 'year' WHEN 'metric_hour' THEN 'month'
                               WHEN 'metric_value' THEN 'month' WHEN 'metric_tracked' THEN 'month' END;
    starts timestamptz := date_trunc(span, day::timestamp) AT TIME ZONE 'UTC';
    ends   timestamptz := (date_trunc(span, day::timestamp) + ('1 ' || span)::interval) AT TIME ZONE 'UTC';
    name   text := parent || '_' || to_char(starts, CASE span WHEN 'day' THEN 'YYYY_MM_DD' WHEN 'month' THEN 'YYYY_MM' ELSE 'YYYY' END);
BEGIN
    IF span IS NULL THEN
        RAISE EXCEPTION '% is no table of the metric store', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT pg_has_role(session_user, current_user, 'MEMBER') AND day NOT BETWEEN current_date - 1200 AND current_date + 10 THEN
        RAISE EXCEPTION 'only the owner of % may make the partition %', parent, name USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(96485862);  -- migrators and others who make partitions take turns
    IF to_regclass(name) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
    -- Rows of minutes, hours and days are updated in place while their span lasts: room for that in each page.
    IF parent IN ('metric_minute', 'metric_hour', 'metric_day') THEN
        EXECUTE format('ALTER TABLE %I SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)', name);
    END IF;
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   parent || '_default', starts, ends, name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, starts, ends);
    RETURN name;
END $$;

-- Drops the partitions of `parent` that end at `before` or earlier, and such rows of the default one. Runs as the owner: the writer keeps
-- to the retention without owning the tables. Never what is younger than a day. Returns the names.
CREATE FUNCTION drop_metric_partitions(parent text, before timestamptz) RETURNS text[]
    LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    found text;
    gone  text[] := '{}';
BEGIN
    IF parent NOT IN ('metric_minute', 'metric_hour', 'metric_day', 'metric_value', 'metric_tracked')
       OR before > now() - interval '1 day' THEN
        RAISE EXCEPTION 'nothing of % is dropped before %', parent, before USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(96485862);
    FOR found IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(parent)
          AND substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \('([^']+)'\)$re$)::timestamptz <= before
        ORDER BY 1
    LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, found);
        EXECUTE format('DROP TABLE %I', found);
        gone := gone || found;
    END LOOP;
    EXECUTE format('DELETE FROM %I WHERE at < %L', parent || '_default', before);
    RETURN gone;
END $$;

REVOKE ALL ON FUNCTION make_metric_partition(text, date), drop_metric_partitions(text, timestamptz) FROM PUBLIC;

-- As in 0003: what runs as the owner looks names up in the tables' schema alone.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION make_metric_partition(text, date) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION drop_metric_partitions(text, timestamptz) SET search_path = %I, pg_temp', current_schema());
END $$;
