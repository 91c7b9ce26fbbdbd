-- The newest edition of a period's report with its annexes, data and prose, as an officer made it on the dashboard.
-- A new edition takes the officer's words from here.
CREATE TABLE edition_file (
    period      text NOT NULL,
    last_day    text NOT NULL,      -- '' for the whole period
    name        text NOT NULL,
    content     bytea NOT NULL,
    made_at     timestamptz NOT NULL,
    made_by     text NOT NULL,
    PRIMARY KEY (period, last_day, name)
);
