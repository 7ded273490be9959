"""Triggers of the ledger: money lines and seals are inserted, and that is all; what is under a
legal hold is not emptied."""

from governance.audit.sql import REFUSE_FUNCTION, insert_only, writable_again

TABLES = ("ledger_ledgerentry", "ledger_ledgerseal")
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)

# A payload is emptied for good, and never while a live legal hold covers its call. A hold keeps
# its scope; it is lifted once, and stays.
KEPT_BACK = """
CREATE FUNCTION ledger_payload_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.destroyed_at IS NOT NULL AND ROW(NEW.*) IS DISTINCT FROM ROW(OLD.*) THEN
        RAISE EXCEPTION 'this payload was destroyed, and stays so'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.destroyed_at IS NULL AND (
        NEW.destroyed_at IS NOT NULL
        OR (OLD.request_sealed IS NOT NULL AND NEW.request_sealed IS NULL)
        OR (OLD.response_sealed IS NOT NULL AND NEW.response_sealed IS NULL)
        OR (OLD.decided_sealed IS NOT NULL AND NEW.decided_sealed IS NULL)
    ) AND EXISTS (
        SELECT 1 FROM ledger_legalhold hold JOIN ledger_call call ON call.id = OLD.call_id
        WHERE hold.lifted_at IS NULL
            AND (hold.use_case_id IS NULL OR hold.use_case_id = call.use_case_id)
            AND (hold.team_id IS NULL OR hold.team_id = call.team_id)
            AND (hold.call_id IS NULL OR hold.call_id = call.id)
            AND (hold.end_user_hash = '' OR hold.end_user_hash = call.end_user_hash)
            AND (hold.starts_at IS NULL OR hold.starts_at <= call.admitted_at)
            AND (hold.ends_at IS NULL OR hold.ends_at > call.admitted_at)
    ) THEN
        RAISE EXCEPTION 'a legal hold keeps this payload'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_payload_guard BEFORE UPDATE ON ledger_payload
    FOR EACH ROW EXECUTE FUNCTION ledger_payload_guard();
ALTER TABLE ledger_payload ENABLE ALWAYS TRIGGER ledger_payload_guard;
CREATE FUNCTION ledger_legalhold_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
        OR (to_jsonb(NEW) - '{lifted_at,lifted_by_id,lifted_because}'::text[])
            <> (to_jsonb(OLD) - '{lifted_at,lifted_by_id,lifted_because}'::text[])
    THEN
        RAISE EXCEPTION 'a legal hold keeps its scope until it is lifted, and stays after it'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_legalhold_guard BEFORE UPDATE OR DELETE ON ledger_legalhold
    FOR EACH ROW EXECUTE FUNCTION ledger_legalhold_guard();
ALTER TABLE ledger_legalhold ENABLE ALWAYS TRIGGER ledger_legalhold_guard;
"""
NOT_KEPT_BACK = """
DROP TRIGGER ledger_legalhold_guard ON ledger_legalhold;
DROP FUNCTION ledger_legalhold_guard();
DROP TRIGGER ledger_payload_guard ON ledger_payload;
DROP FUNCTION ledger_payload_guard();
"""
