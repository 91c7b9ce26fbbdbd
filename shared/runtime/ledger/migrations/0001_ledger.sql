-- The ledger of one module. Rows of fact are never updated or deleted.
CREATE TABLE fact (
    source      text        NOT NULL,
    id          text        NOT NULL,
    type        text        NOT NULL,             -- short name: dossier.received
    kind        text        NOT NULL,             -- of the entity; '' for a retraction, which has none
    entity      text        NOT NULL,
    scope       text        NOT NULL,
    agency      text        NOT NULL,
    time        timestamptz NOT NULL,
    publisher   text,                             -- null: the service's own clock
    digest      bytea       NOT NULL,             -- of the canonical content: tells a repeat from a conflict
    event       bytea       NOT NULL,             -- the CloudEvent as it was sent
    recorded_at timestamptz NOT NULL,
    topic       text,                             -- null: over HTTP
    partition   integer,
    "offset"    bigint,
    PRIMARY KEY (source, id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.5);

CREATE INDEX fact_of_entity ON fact (entity, kind);

-- Repeats of a fact: what the same publisher sent again.
CREATE TABLE repeat (
    source    text        NOT NULL,
    id        text        NOT NULL,
    count     bigint      NOT NULL,
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (source, id)
);

-- Which fact is taken back by which. It is effective when the target is about the same agency.
CREATE TABLE retraction (
    target_source text NOT NULL,
    target_id     text NOT NULL,
    agency        text NOT NULL,
    source        text NOT NULL,
    id            text NOT NULL,
    PRIMARY KEY (target_source, target_id, source, id)
);

-- What all effective facts of an entity come to. facts is a copy of them for the next fold.
CREATE TABLE entity (
    kind       text        NOT NULL,
    entity     text        NOT NULL,
    scope      text        NOT NULL,
    key        text        NOT NULL,              -- record key on <module>.events
    agency     text        NOT NULL,
    version    bigint      NOT NULL,
    facts      bytea       NOT NULL,              -- JSON array of effective facts
    record     bytea       NOT NULL,              -- the change as last emitted: a CloudEvent with the state
    soon_at    timestamptz,                       -- when to warn, while the entity waits
    due_at     timestamptz,                       -- the due instant, while the entity waits
    next_at    timestamptz,                       -- the next of the two that the clock has not said yet
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (entity, kind, scope)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.1);

CREATE UNIQUE INDEX entity_key ON entity (key);
CREATE INDEX entity_next ON entity (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX entity_due ON entity (agency, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE rejection (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mark       bytea       NOT NULL UNIQUE,       -- of where and what: a redelivery finds its row
    reason     text        NOT NULL,
    detail     text        NOT NULL,
    errors     bytea       NOT NULL,              -- JSON [{"pointer", "detail"}]
    source     text,
    id         text,
    type       text,
    publisher  text,
    entrance   text        NOT NULL,              -- http | kafka
    topic      text,
    partition  integer,
    "offset"   bigint,
    payload    bytea       NOT NULL,
    headers    bytea       NOT NULL,              -- JSON [[name, base64]]
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    count      bigint      NOT NULL DEFAULT 1,
    state      text        NOT NULL DEFAULT 'parked'
               CHECK (state IN ('parked', 'repaired', 'replayed', 'dropped')),
    settled_by text,
    settled_at timestamptz,
    note       text
);

CREATE INDEX rejection_by_publisher ON rejection (publisher, number);
CREATE INDEX rejection_parked ON rejection (number) WHERE state = 'parked';

CREATE TABLE position (
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    next       bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text    NOT NULL,
    partition integer NOT NULL,
    key       bytea   NOT NULL,
    headers   bytea,
    value     bytea
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_threshold = -1);
