-- Officers, their sessions, what they set, and what report services subscribe to.

CREATE TABLE account (
    name            text PRIMARY KEY CHECK (name ~ '^[a-z0-9]+([._-][a-z0-9]+)*$' AND length(name) <= 80),
    full_name       text NOT NULL DEFAULT '',
    role            text NOT NULL CHECK (role IN ('viewer', 'officer', 'administrator')),
    password_hash   text NOT NULL,
    disabled        boolean NOT NULL DEFAULT false,
    failures        integer NOT NULL DEFAULT 0,
    locked_until    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);

-- Only the hash of a session's token is kept: who reads this table cannot sign in with it.
CREATE TABLE session (
    token_sha256    bytea PRIMARY KEY,
    account         text NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    opened_at       timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE cut_off (
    period          text PRIMARY KEY,
    last_day        date NOT NULL,
    set_by          text NOT NULL,
    set_at          timestamptz NOT NULL DEFAULT now()
);

-- What officers did, kept for ever.
CREATE TABLE action (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT now(),
    officer         text NOT NULL,
    what            text NOT NULL,
    subject         text NOT NULL,
    detail          jsonb NOT NULL DEFAULT '{}'
);

-- Everything that webhooks deliver, in one order. The place on the topic makes a repeat harmless.
CREATE TABLE feed (
    position        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic           text NOT NULL,
    partition       integer NOT NULL,
    record_offset   bigint NOT NULL,
    key             text NOT NULL,
    body            text NOT NULL,
    at              timestamptz NOT NULL,
    UNIQUE (topic, partition, record_offset)
);
CREATE INDEX feed_at ON feed (at);

CREATE TABLE feed_place (
    topic           text NOT NULL,
    partition       integer NOT NULL,
    next_offset     bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE webhook (
    name            text PRIMARY KEY CHECK (name ~ '^[a-z0-9]+([._-][a-z0-9]+)*$' AND length(name) <= 80),
    url             text NOT NULL,
    topics          text[] NOT NULL,
    agencies        text[] NOT NULL DEFAULT '{}',
    sealed_key      bytea NOT NULL,
    next_position   bigint NOT NULL DEFAULT 0,
    -- While a newcomer gets the scores as they stand: the last key that was delivered. NULL: caught up.
    catch_up        text,
    state           text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'off', 'dead')),
    failures        integer NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_status     integer,
    last_error      text NOT NULL DEFAULT '',
    delivered       bigint NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
