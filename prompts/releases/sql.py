"""The database itself refuses a release without an approval of exactly its content."""

RELEASE_NEEDS_APPROVAL = """
CREATE FUNCTION placet_release_needs_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_approval
        WHERE id = NEW.approval_id AND kind = 'prompt_release' AND state = 'in_force'
            AND digest = NEW.digest AND subject_id = NEW.prompt_id
    ) THEN
        RAISE EXCEPTION 'a release needs an approval in force of exactly its content'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER releases_release_needs_approval BEFORE INSERT ON releases_release
    FOR EACH ROW EXECUTE FUNCTION placet_release_needs_approval();
ALTER TABLE releases_release ENABLE ALWAYS TRIGGER releases_release_needs_approval;
"""
REVERSE = """
DROP TRIGGER releases_release_needs_approval ON releases_release;
DROP FUNCTION placet_release_needs_approval();
"""
