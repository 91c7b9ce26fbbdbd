-- An officer of a district sees the communes of that district, and acts on nothing of the province's.
ALTER TABLE account
    DROP CONSTRAINT account_role_check,
    ADD CONSTRAINT account_role_check CHECK (role IN ('viewer', 'district', 'officer', 'administrator')),
    ADD COLUMN agency text,
    ADD CONSTRAINT account_district_check CHECK ((role = 'district') = (agency IS NOT NULL));
