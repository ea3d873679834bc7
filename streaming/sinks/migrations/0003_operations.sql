-- Rejected events in figures: how many of each micro-batch, by one thing a person asks for. The events lie on the rejected topic.
CREATE TABLE rejection (
    record_id  text        NOT NULL,  -- of the metrics record: query / batch / chunk, the same when a batch is done again
    dimension  text        NOT NULL CHECK (dimension IN ('reason', 'schema_version', 'producer')),
    value      text        NOT NULL,
    deployment text        NOT NULL,
    events     bigint      NOT NULL CHECK (events > 0),
    planned_at timestamptz NOT NULL,  -- the events were received between these two, but for a backlog's
    ended_at   timestamptz NOT NULL,
    PRIMARY KEY (record_id, dimension, value)
);
CREATE INDEX rejection_time ON rejection (deployment, dimension, planned_at);

-- Which exact version served from when, and why: written before the first batch that runs under it, never changed.
CREATE TABLE deployment_log (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deployment     text        NOT NULL,
    role           text        NOT NULL,
    variant        text        NOT NULL,
    model_name     text        NOT NULL,
    model_version  text        NOT NULL,
    sha256         text        NOT NULL,
    from_time      timestamptz NOT NULL,
    plan_id        text        NOT NULL,
    changed_by     text        NOT NULL,
    reason         text        NOT NULL,
    evidence       jsonb       NOT NULL DEFAULT '{}',
    version_before text,
    noted_by       text        NOT NULL DEFAULT session_user,
    noted_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (deployment, variant, plan_id)
);
CREATE INDEX deployment_log_newest ON deployment_log (deployment, variant, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER deployment_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deployment_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes the partition of a month (any day of it, UTC) and moves its rows out of the default partition. Returns its name, null
-- if it was there. It runs as the tables' owner, so that a writer may call it; such a caller gets the months around now alone.
CREATE FUNCTION make_prediction_month(month date) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    starts timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    ends   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    name   text := 'prediction_' || to_char(month, 'YYYY_MM');
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER')
       AND starts NOT BETWEEN now() - interval '25 months' AND now() + interval '3 months' THEN
        RAISE EXCEPTION 'only the owner of prediction may make the partition %', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(96485862);  -- migrators and others who make partitions take turns
    IF to_regclass(name) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- In the order in which a writer takes them. Attaching, unlike CREATE … PARTITION OF, lets the other partitions be written.
    LOCK TABLE ONLY prediction IN SHARE UPDATE EXCLUSIVE MODE;
    LOCK TABLE prediction_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE prediction INCLUDING ALL)', name);
    EXECUTE format('WITH moved AS (DELETE FROM prediction_default WHERE event_time >= %L AND event_time < %L RETURNING *)'
                   ' INSERT INTO %I SELECT * FROM moved', starts, ends, name);
    EXECUTE format('ALTER TABLE prediction ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, starts, ends);
    RETURN name;
END $$;

REVOKE ALL ON FUNCTION make_prediction_month(date) FROM PUBLIC;

-- What runs as the owner must not find a caller's tables or operators: names are looked up in the tables' schema alone.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION make_prediction_month(date) SET search_path = %I, pg_temp', current_schema());
END $$;
