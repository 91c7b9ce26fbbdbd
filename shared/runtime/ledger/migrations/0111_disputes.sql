-- Steps of the office on an entity, one at a time: the facts of a step name version and attempt.
CREATE TABLE office_step (
    kind    text        NOT NULL,
    entity  text        NOT NULL,
    scope   text        NOT NULL,
    version bigint      NOT NULL,                 -- of the entity, as the officer saw it
    attempt integer     NOT NULL,                 -- counts up when the facts of an earlier one were refused
    at      timestamptz NOT NULL,
    officer text        NOT NULL,
    PRIMARY KEY (entity, kind, scope, version)
);

-- Disputes are few enough to be listed. Neither column ever changes, so updates of other entities stay cheap.
CREATE INDEX entity_dispute ON entity (key) WHERE kind = 'dispute';
