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

# What is asked beside the answer is what was decided on, and stays so.
CHECKS_WERE_DECIDED = """
CREATE FUNCTION placet_release_checks_were_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.checks = OLD.checks AND NEW.approval_id = OLD.approval_id THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.checks = (
        SELECT coalesce(change.proposal->'checks', '{}'::jsonb)
        FROM approvals_approval approval
        JOIN approvals_changerequest change ON change.id = approval.change_id
        WHERE approval.id = NEW.approval_id
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a release checks its answers as it was decided'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER releases_release_checks_were_decided
    BEFORE INSERT OR UPDATE OF checks, approval_id ON releases_release
    FOR EACH ROW EXECUTE FUNCTION placet_release_checks_were_decided();
ALTER TABLE releases_release ENABLE ALWAYS TRIGGER releases_release_checks_were_decided;
"""
CHECKS_REVERSE = """
DROP TRIGGER releases_release_checks_were_decided ON releases_release;
DROP FUNCTION placet_release_checks_were_decided();
"""
