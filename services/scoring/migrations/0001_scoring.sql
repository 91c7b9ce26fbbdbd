-- How far each partition was read; moves in the transaction that stores what was read.
CREATE TABLE position (
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    next       bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Names behind the numbers in marks. Kept by a rebuild: a number is never given to another name.
CREATE TABLE agency (
    number smallint PRIMARY KEY CHECK (number >= 0),
    agency text     NOT NULL UNIQUE
);
CREATE TABLE flow (
    number integer PRIMARY KEY CHECK (number BETWEEN 1 AND 262143),
    flow   text    NOT NULL UNIQUE
);

-- What the newest known version of each entity adds to the counts. A mark is
-- agency (15 bits) | flow (18) | cohort day (15) | effective day (15), days since 2000-01-01.
CREATE TABLE contribution (
    key     text     PRIMARY KEY COLLATE "C",  -- <kind>/<record key on the topic>
    version bigint   NOT NULL,
    agency  smallint NOT NULL,                 -- who answers for the entity now
    slot    integer  NOT NULL,                 -- place in the batch that wrote the row: joins its causes
    marks   bigint[] NOT NULL,                 -- ascending
    amounts bigint[],                          -- beside the marks; null: 1 each
    others  smallint[],                        -- further agencies it has marks of; null: none
    fault   text                               -- why a malformed state counts nowhere
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.1);

-- Without the key: half the size, and an agency's entities are few enough to sort.
CREATE INDEX contribution_of_agency ON contribution (agency);
CREATE INDEX contribution_of_others ON contribution USING gin (others) WHERE others IS NOT NULL;
CREATE INDEX contribution_at_fault ON contribution (key) WHERE fault IS NOT NULL;

-- The sum of the amounts of each mark over all contributions.
CREATE TABLE tally (
    mark bigint PRIMARY KEY,
    n    bigint NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- Counts that moved and the scores behind them not yet worked out again. Written by the fold, in its
-- transaction; quarter counts from 2000-Q1 = 0; onward: later quarters may see it too (stocks).
CREATE TABLE dirty (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency  smallint NOT NULL,
    quarter smallint NOT NULL,
    onward  boolean  NOT NULL,
    causes  text[]   NOT NULL                  -- '<source> <id>' of each fact that caused it
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1);

-- The score of each agency and quarter as it stands now. Dropped and made again by a rebuild.
CREATE TABLE score (
    agency   text NOT NULL,
    period   text NOT NULL,
    document text NOT NULL,                    -- JSON as on the topic
    PRIMARY KEY (period, agency)
) WITH (fillfactor = 70);

-- What was last said about it. Survives a rebuild, so that revision and as_of stay where the content does.
CREATE TABLE score_published (
    agency   text        NOT NULL,
    period   text        NOT NULL,
    revision integer     NOT NULL,
    as_of    timestamptz NOT NULL,
    content  text        NOT NULL,             -- canonical JSON without revision and as_of
    PRIMARY KEY (period, agency)
) WITH (fillfactor = 70);

-- Every change of a score, for ever; never rewritten.
CREATE TABLE score_change (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency   text        NOT NULL,
    period   text        NOT NULL,
    revision integer     NOT NULL,
    at       timestamptz NOT NULL,
    document text        NOT NULL,             -- JSON as on the topic, without the causes
    causes   text[]      NOT NULL,             -- '<source> <id>'
    UNIQUE (agency, period, revision)
);

-- Quarters that have scores, and what officers did with them.
CREATE TABLE period_state (
    period   text PRIMARY KEY,
    state    text        NOT NULL CHECK (state IN ('open', 'closing', 'closed', 'reopened')),
    at       timestamptz NOT NULL,
    cut_off  timestamptz,
    sha256   text,
    sealed   text,                             -- canonical JSON of all scores at the close
    officer  text,
    reason   text
);

-- What arrived for a closed period: it changes nothing until somebody decides.
CREATE TABLE adjustment (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period text        NOT NULL,
    agency text        NOT NULL,
    at     timestamptz NOT NULL,
    causes text[]      NOT NULL
);

CREATE INDEX adjustment_of_period ON adjustment (period, number);

-- What was taken into account already: the rule book's digest, the last local day that began.
CREATE TABLE noted (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- Holds nothing; its lock decides which replica works scores out now. A table, because waiting for its lock
-- comes before the snapshot of the transaction.
CREATE TABLE turn ();

-- One row: which rebuild the derived tables belong to, and while one goes on, how far it must read.
CREATE TABLE rebuild (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch      integer NOT NULL,
    started_at timestamptz,
    until      text                            -- JSON {"<topic>/<partition>": offset}; null: none goes on
);
INSERT INTO rebuild (epoch) VALUES (0);

CREATE TABLE outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text    NOT NULL,
    partition integer NOT NULL,
    key       bytea   NOT NULL,
    headers   bytea,
    value     bytea
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_threshold = -1);
