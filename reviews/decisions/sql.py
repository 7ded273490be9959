"""Review decisions and corrections are written once.

Of a decision the database lets the words be erased, once, to their hash. Of a correction it lets
two things happen later: its texts are encrypted anew with
another key, and they are emptied for good when their time is over.
"""

from governance.audit.sql import (
    REFUSE_FUNCTION,
    insert_only,
    words_can_be_erased,
    words_stay,
    writable_again,
)

TABLES = ("decisions_reviewdecision", "decisions_correction")
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)

CORRECTIONS_CAN_BE_EMPTIED = """
CREATE FUNCTION decisions_correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR OLD.destroyed_at IS NOT NULL
        OR ROW(NEW.id, NEW.decision_id, NEW.characters_changed, NEW.keep_until)
            IS DISTINCT FROM ROW(OLD.id, OLD.decision_id, OLD.characters_changed, OLD.keep_until)
    THEN
        RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER decisions_correction_insert_only ON decisions_correction;
CREATE TRIGGER decisions_correction_insert_only BEFORE UPDATE OR DELETE ON decisions_correction
    FOR EACH ROW EXECUTE FUNCTION decisions_correction_guard();
ALTER TABLE decisions_correction ENABLE ALWAYS TRIGGER decisions_correction_insert_only;
"""
CORRECTIONS_STAY = """
DROP TRIGGER decisions_correction_insert_only ON decisions_correction;
DROP FUNCTION decisions_correction_guard();
CREATE TRIGGER decisions_correction_insert_only BEFORE UPDATE OR DELETE ON decisions_correction
    FOR EACH ROW EXECUTE FUNCTION placet_refuse_change();
ALTER TABLE decisions_correction ENABLE ALWAYS TRIGGER decisions_correction_insert_only;
"""

SIZE_STAYS = """
CREATE OR REPLACE FUNCTION decisions_correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR OLD.destroyed_at IS NOT NULL
        OR ROW(NEW.id, NEW.decision_id, NEW.characters_changed, NEW.characters_compared,
               NEW.keep_until)
            IS DISTINCT FROM
           ROW(OLD.id, OLD.decision_id, OLD.characters_changed, OLD.characters_compared,
               OLD.keep_until)
    THEN
        RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""
SIZE_IS_UNKNOWN = """
CREATE OR REPLACE FUNCTION decisions_correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR OLD.destroyed_at IS NOT NULL
        OR ROW(NEW.id, NEW.decision_id, NEW.characters_changed, NEW.keep_until)
            IS DISTINCT FROM ROW(OLD.id, OLD.decision_id, OLD.characters_changed, OLD.keep_until)
    THEN
        RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""
DECISION = "decisions_reviewdecision"
WORDS, WORDS_STAY = words_can_be_erased(DECISION), words_stay(DECISION)
