-- Periods with two officers, seals, adjustments and what became of them (docs/decisions/0070).

ALTER TABLE period_state
    ADD COLUMN seals        integer NOT NULL DEFAULT 0,
    ADD COLUMN proposal     text,                      -- JSON of what waits for a second officer
    ADD COLUMN scope        text,                      -- JSON of what a reopened period lets move
    ADD COLUMN until        timestamptz,
    ADD COLUMN confirmed_by text,
    ADD COLUMN listed_from  bigint NOT NULL DEFAULT 0; -- adjustments up to this number were taken in again

-- Every seal, for ever; never rewritten. The next one stands beside it.
CREATE TABLE seal (
    period        text        NOT NULL,
    number        integer     NOT NULL,
    at            timestamptz NOT NULL,
    cut_off       timestamptz NOT NULL,
    proposed_by   text        NOT NULL,
    confirmed_by  text        NOT NULL,
    reason        text        NOT NULL,
    accepted      bigint[]    NOT NULL,                -- adjustments that count from this seal on
    listed_from   bigint      NOT NULL,
    sha256        text        NOT NULL,
    document      text        NOT NULL,                -- canonical JSON of all scores
    inputs_sha256 text        NOT NULL,
    inputs        text        NOT NULL,                -- canonical JSON of the rules and agencies behind it
    PRIMARY KEY (period, number)
);

-- Every step of a period's life, for ever.
CREATE TABLE period_step (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    period  text        NOT NULL,
    at      timestamptz NOT NULL,
    action  text        NOT NULL,
    officer text        NOT NULL,
    reason  text        NOT NULL,
    detail  text        NOT NULL                       -- JSON
);
CREATE INDEX period_step_of_period ON period_step (period, number);

-- One arrival for a period that is not open: the score as the counts had it before and have it since.
ALTER TABLE adjustment
    ADD COLUMN state      text NOT NULL DEFAULT 'pending'
               CHECK (state IN ('pending', 'accepted', 'refused', 'no_effect', 'counted')),
    ADD COLUMN before     text,                        -- canonical content; null: there was no score
    ADD COLUMN after      text,
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN officer    text,
    ADD COLUMN reason     text;
CREATE INDEX adjustment_of_agency ON adjustment (period, agency, number);

-- What the counts would give now, where the published score does not follow them.
CREATE TABLE counted_score (
    period  text NOT NULL,
    agency  text NOT NULL,
    day     date NOT NULL,                             -- up to which the weeks of the window had begun
    content text NOT NULL,
    PRIMARY KEY (period, agency)
);
