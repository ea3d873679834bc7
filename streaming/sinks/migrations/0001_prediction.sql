-- History of predictions. The first row written for a key stands; partitioned by event time so that retention drops
-- whole partitions. The default partition takes what no month covers: nothing is refused for its time.
CREATE TABLE prediction (
    prediction_id    uuid             NOT NULL,
    event_id         text,
    entity_id        text             NOT NULL,
    deployment       text             NOT NULL,
    role             text             NOT NULL,
    variant          text             NOT NULL,
    model_name       text             NOT NULL,
    model_version    text             NOT NULL,
    schema_version   integer          NOT NULL,
    score            double precision NOT NULL,
    scores           jsonb,
    predicted_class  text,
    explanation      jsonb,
    event_time       timestamptz      NOT NULL,
    received_at      timestamptz      NOT NULL,
    scored_at        timestamptz      NOT NULL,
    source_topic     text             NOT NULL,
    source_partition integer          NOT NULL,
    source_offset    bigint           NOT NULL,
    payload_digest   bytea            NOT NULL,
    plan_id          text             NOT NULL,
    PRIMARY KEY (event_time, prediction_id)
) PARTITION BY RANGE (event_time);

CREATE TABLE prediction_default PARTITION OF prediction DEFAULT;

-- The newest prediction of each entity: what a call-center application reads, by primary key or by risk.
CREATE TABLE current_prediction (
    deployment       text             NOT NULL,
    entity_id        text             NOT NULL,
    prediction_id    uuid             NOT NULL,
    event_id         text,
    role             text             NOT NULL,
    variant          text             NOT NULL,
    model_name       text             NOT NULL,
    model_version    text             NOT NULL,
    score            double precision NOT NULL,
    predicted_class  text,
    event_time       timestamptz      NOT NULL,
    received_at      timestamptz      NOT NULL,
    scored_at        timestamptz      NOT NULL,
    source_topic     text             NOT NULL,
    source_partition integer          NOT NULL,
    source_offset    bigint           NOT NULL,
    PRIMARY KEY (deployment, entity_id)
) WITH (fillfactor = 70);
