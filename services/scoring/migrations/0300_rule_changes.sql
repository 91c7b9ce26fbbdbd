-- Rule sets that were in force, are, or are proposed; never rewritten (docs/decisions/0096).
CREATE TABLE rule_change (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL,              -- <id>@<version>
    sha256      text        NOT NULL,              -- of the text
    text        text        NOT NULL,              -- the rule set's YAML
    state       text        NOT NULL CHECK (state IN ('proposed', 'in_force', 'refused', 'withdrawn')),
    proposed_by text        NOT NULL,
    proposed_at timestamptz NOT NULL,
    reason      text        NOT NULL,
    decided_by  text,
    decided_at  timestamptz,
    decision    text,                              -- why it was refused or withdrawn
    adopted     integer UNIQUE                     -- in which order they came into force
);
-- One open proposal for each text, whoever makes it.
CREATE UNIQUE INDEX rule_change_open ON rule_change (sha256) WHERE state = 'proposed';
