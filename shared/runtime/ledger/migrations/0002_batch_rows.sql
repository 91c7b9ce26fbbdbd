-- The rows of a batch as one parameter each: an array of rows is cheaper to send and to read than one array
-- per column.
CREATE TYPE fact_row AS (
    source text, id text, type text, kind text, entity text, scope text, agency text, time timestamptz,
    digest bytea, event bytea, partition integer, place bigint
);

CREATE TYPE entity_row AS (
    kind text, entity text, scope text, key text, agency text, version bigint, facts bytea, record bytea,
    soon_at timestamptz, due_at timestamptz, next_at timestamptz
);

CREATE TYPE outbox_row AS (topic text, partition integer, key bytea, value bytea, headers bytea);
