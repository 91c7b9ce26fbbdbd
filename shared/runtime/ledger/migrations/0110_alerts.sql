-- Warnings of the clock: one row for each word about each due instant, kept so that none is given twice.
CREATE TABLE alert (
    key       text        NOT NULL,               -- of the entity
    word      text        NOT NULL CHECK (word IN ('due_soon', 'overdue')),
    due_at    timestamptz NOT NULL,
    at        timestamptz NOT NULL,               -- the instant that it is about
    leaves_at timestamptz NOT NULL,               -- not before: the office may be closed
    fate      text CHECK (fate IN ('sent', 'overtaken')),  -- null: it is held
    settled_at timestamptz,
    PRIMARY KEY (key, word, due_at)
);

CREATE INDEX alert_held ON alert (leaves_at) WHERE fate IS NULL;
