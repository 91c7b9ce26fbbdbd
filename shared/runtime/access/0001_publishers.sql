CREATE TABLE publisher (
    name       text PRIMARY KEY,
    agencies   text[] NOT NULL,               -- slugs, or '*' for every agency of the register
    types      text[] NOT NULL,               -- patterns such as 'dossier.*', or '*'
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE publisher_key (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    publisher  text NOT NULL REFERENCES publisher (name),
    sealed     bytea NOT NULL,                -- AES-256-GCM under the master key, bound to the publisher's name
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE INDEX publisher_key_live ON publisher_key (publisher) WHERE revoked_at IS NULL;
