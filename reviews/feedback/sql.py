"""Versions of feedback rules are written once; of a feedback only its way and its emptying change."""

from governance.audit.sql import REFUSE_FUNCTION, insert_only, writable_again

INSERT_ONLY = REFUSE_FUNCTION + insert_only("feedback_feedbackruleversion")
WRITABLE_AGAIN = writable_again("feedback_feedbackruleversion")

FACTS_STAY = """
CREATE FUNCTION feedback_facts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR ROW(NEW.id, NEW.call_id, NEW.use_case_id, NEW.thumb, NEW.has_text, NEW.has_correction,
               NEW.given_at, NEW.person_id, NEW.api_key_id)
            IS DISTINCT FROM
           ROW(OLD.id, OLD.call_id, OLD.use_case_id, OLD.thumb, OLD.has_text, OLD.has_correction,
               OLD.given_at, OLD.person_id, OLD.api_key_id)
        OR OLD.destroyed_at IS NOT NULL AND NEW.destroyed_at IS DISTINCT FROM OLD.destroyed_at
    THEN
        RAISE EXCEPTION '% on % refused: what was said stays as it was', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER feedback_facts_stay BEFORE UPDATE OR DELETE ON feedback_feedback
    FOR EACH ROW EXECUTE FUNCTION feedback_facts_stay();
ALTER TABLE feedback_feedback ENABLE ALWAYS TRIGGER feedback_facts_stay;
"""
FACTS_MAY_CHANGE = """
DROP TRIGGER feedback_facts_stay ON feedback_feedback;
DROP FUNCTION feedback_facts_stay();
"""
