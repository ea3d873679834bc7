-- Every label that came, as it came: rows are added, never changed. The first of an id stands.
CREATE TABLE label (
    deployment    text             NOT NULL,
    label_id      text             NOT NULL,
    prediction_id uuid,
    entity_id     text,
    outcome_at    timestamptz,
    observed_at   timestamptz      NOT NULL,
    number        double precision,   -- true is 1, false is 0
    name          text,               -- of a class
    weight        double precision NOT NULL,
    acted         boolean,
    partial       boolean          NOT NULL,
    source        text             NOT NULL,
    received_at   timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (deployment, label_id),
    CHECK (prediction_id IS NOT NULL OR (entity_id IS NOT NULL AND outcome_at IS NOT NULL)),
    CHECK ((number IS NULL) <> (name IS NULL))
);

-- Labels whose prediction is not to be seen yet; after the grace they are counted as unmatched, and stay here for whoever asks.
CREATE TABLE label_waiting (
    deployment text        NOT NULL,
    label_id   text        NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    next_look  timestamptz NOT NULL DEFAULT now(),
    unmatched  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (deployment, label_id),
    FOREIGN KEY (deployment, label_id) REFERENCES label ON DELETE CASCADE
);
CREATE INDEX label_waiting_due ON label_waiting (deployment, next_look) WHERE NOT unmatched;

-- The label of each prediction that counts now, by its event's address: shadows of the same event have it too.
CREATE TABLE prediction_label (
    deployment       text             NOT NULL,
    prediction_id    uuid             NOT NULL,
    event_time       timestamptz      NOT NULL,
    source_topic     text             NOT NULL,
    source_partition integer          NOT NULL,
    source_offset    bigint           NOT NULL,
    label_id         text             NOT NULL,
    observed_at      timestamptz      NOT NULL,
    number           double precision,
    name             text,
    weight           double precision NOT NULL,
    acted            boolean,
    partial          boolean          NOT NULL,
    corrected        integer          NOT NULL DEFAULT 0,
    contradicted     boolean          NOT NULL DEFAULT false,
    matched_at       timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (deployment, event_time, source_partition, source_offset, source_topic)
);

-- How many labels came to what, by the day (UTC) on which that was found.
CREATE TABLE label_count (
    deployment text   NOT NULL,
    day        date   NOT NULL,
    verdict    text   NOT NULL,
    labels     bigint NOT NULL,
    PRIMARY KEY (deployment, day, verdict)
);

-- Messages that are no label, with what is wrong with them.
CREATE TABLE label_refused (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    place       bigint      NOT NULL,
    deployment  text        NOT NULL,
    reason      text        NOT NULL,
    value       bytea       NOT NULL,
    refused_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, place)
);

-- How far the topic of labels has been read: written in the transaction of the labels themselves.
CREATE TABLE label_offset (
    topic      text    NOT NULL,
    partition  integer NOT NULL,
    deployment text    NOT NULL,
    next       bigint  NOT NULL,
    PRIMARY KEY (topic, partition, deployment)
);

-- Windows of event time whose figures are to be made, or made anew. `touched` counts the reasons; figures are of the count they name.
CREATE TABLE quality_window (
    deployment   text        NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    touched      bigint      NOT NULL DEFAULT 1,
    computed     bigint      NOT NULL DEFAULT 0,
    revision     integer     NOT NULL DEFAULT 0,
    matured      boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (deployment, window_start, window_end)
);
CREATE INDEX quality_window_stale ON quality_window (deployment, window_start) WHERE touched > computed;

-- Figures as they are published: stored first, so that what is published again after a crash has the same bytes.
CREATE TABLE quality (
    record_id    text        PRIMARY KEY,
    number       bigint      GENERATED ALWAYS AS IDENTITY,
    deployment   text        NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    slice        text        NOT NULL,
    revision     integer     NOT NULL,
    topic        text        NOT NULL CHECK (topic IN ('metrics', 'alerts')),
    record       json        NOT NULL,  -- not jsonb: its bytes are kept
    published    boolean     NOT NULL DEFAULT false,
    computed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quality_newest ON quality (deployment, window_start, slice, revision DESC);
CREATE INDEX quality_unpublished ON quality (deployment, number) WHERE NOT published;

-- A label names its prediction by id, or by entity and time; the key of `prediction` begins with the time of the event, and answers neither.
-- Both cost the writer of predictions. Where no labels come they may be dropped; no migration makes them again.
CREATE INDEX prediction_by_id ON prediction (prediction_id);
CREATE INDEX prediction_by_entity ON prediction (entity_id, event_time);
