-- Which trace a fact belongs to, where its sender asked for one; for a day, until its score is worked out.
CREATE TABLE trace (
    cause       text        PRIMARY KEY,           -- '<source> <id>', as in dirty
    traceparent text        NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX trace_at ON trace (at);
