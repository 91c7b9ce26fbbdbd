-- What people did, in one order for the whole system. A service's role may append by the two functions and
-- do nothing else: it cannot change or remove what it, or anybody, wrote before.
CREATE TABLE entry (
    number bigint PRIMARY KEY,
    role   text NOT NULL,                     -- the database role that wrote it, put down by the database itself
    text   text NOT NULL,                     -- canonical JSON: number, at, service, actor, action, subject, …
    sha256 text NOT NULL                      -- of: the hash before, a line end, role, a line end, text
);

CREATE FUNCTION stands_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the audit trail are not changed or removed';
END $$;

CREATE TRIGGER stands_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION stands_for_ever();

-- The last entry, and the instant of the database; who asks is the only one to append until its transaction ends.
CREATE FUNCTION head(OUT number bigint, OUT sha256 text, OUT at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1398030165, 0);
    SELECT e.number, e.sha256 INTO number, sha256 FROM audit.entry e ORDER BY e.number DESC LIMIT 1;
    number := coalesce(number, 0);
    sha256 := coalesce(sha256, repeat('0', 64));
    at := clock_timestamp();
END $$;

CREATE FUNCTION append(its_number bigint, its_text text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
DECLARE
    last   record;
    hashed text;
BEGIN
    SELECT * INTO last FROM audit.head();
    IF its_number <> last.number + 1 THEN
        RAISE EXCEPTION 'the audit trail goes on with entry %, not %', last.number + 1, its_number;
    END IF;
    hashed := encode(sha256(convert_to(
        last.sha256 || E'\n' || session_user || E'\n' || its_text, 'UTF8')), 'hex');
    INSERT INTO audit.entry (number, role, text, sha256) VALUES (its_number, session_user, its_text, hashed);
    RETURN hashed;
END $$;

REVOKE ALL ON FUNCTION head(), append(bigint, text) FROM PUBLIC;
