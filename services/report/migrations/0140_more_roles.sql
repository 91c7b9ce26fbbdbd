-- People of an agency, and officers who may confirm what others proposed; accounts of an identity provider.
ALTER TABLE account
    DROP CONSTRAINT account_role_check,
    ADD CONSTRAINT account_role_check
        CHECK (role IN ('viewer', 'agency', 'district', 'officer', 'approver', 'administrator')),
    DROP CONSTRAINT account_district_check,
    ADD CONSTRAINT account_agency_check CHECK ((role IN ('agency', 'district')) = (agency IS NOT NULL)),
    ADD COLUMN subject text UNIQUE;    -- '<issuer> <sub>' of who signs in elsewhere; such an account has no password
