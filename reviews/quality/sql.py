"""Opinions, answers, rates and costs are written once; of an opinion the text can be emptied."""

from governance.audit.sql import (
    REFUSE_FUNCTION,
    insert_only,
    words_can_be_erased,
    words_stay,
    writable_again,
)

TABLES = (
    *("quality_calibrationanswer", "quality_exercise"),
    *("quality_reviewrate", "quality_reviewcost"),
)

_GUARDED = "quality_opinion"
INSERT_ONLY = (
    REFUSE_FUNCTION
    + "".join(insert_only(table) for table in TABLES)
    + f"""
CREATE FUNCTION quality_opinion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR OLD.destroyed_at IS NOT NULL
        OR (OLD.text_sealed IS NULL AND NEW.text_sealed IS NOT NULL)
        OR (to_jsonb(NEW) - '{{text_sealed,destroyed_at}}'::text[])
            <> (to_jsonb(OLD) - '{{text_sealed,destroyed_at}}'::text[])
    THEN
        RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quality_opinion_guard BEFORE UPDATE OR DELETE ON {_GUARDED}
    FOR EACH ROW EXECUTE FUNCTION quality_opinion_guard();
ALTER TABLE {_GUARDED} ENABLE ALWAYS TRIGGER quality_opinion_guard;
CREATE TRIGGER quality_opinion_no_truncate BEFORE TRUNCATE ON {_GUARDED}
    FOR EACH STATEMENT EXECUTE FUNCTION placet_refuse_change();
ALTER TABLE {_GUARDED} ENABLE ALWAYS TRIGGER quality_opinion_no_truncate;
"""
)
WRITABLE_AGAIN = (
    "".join(writable_again(table) for table in TABLES)
    + f"""
DROP TRIGGER quality_opinion_guard ON {_GUARDED};
DROP TRIGGER quality_opinion_no_truncate ON {_GUARDED};
DROP FUNCTION quality_opinion_guard();
"""
)

_OPINION_GUARD = """
CREATE OR REPLACE FUNCTION quality_opinion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR (to_jsonb(NEW) - '{text_sealed,destroyed_at,rationale,rationale_sha256}'::text[])
            <> (to_jsonb(OLD) - '{text_sealed,destroyed_at,rationale,rationale_sha256}'::text[])
        OR (ROW(NEW.text_sealed, NEW.destroyed_at)
                IS DISTINCT FROM ROW(OLD.text_sealed, OLD.destroyed_at)
            AND (OLD.destroyed_at IS NOT NULL
                OR (OLD.text_sealed IS NULL AND NEW.text_sealed IS NOT NULL)))
        OR (ROW(NEW.rationale, NEW.rationale_sha256)
                IS DISTINCT FROM ROW(OLD.rationale, OLD.rationale_sha256)
            AND (OLD.rationale = '' OR NEW.rationale <> '' OR NEW.rationale_sha256
                <> encode(sha256(convert_to(OLD.rationale, 'UTF8')), 'hex')))
    THEN
        RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""
WORDS = _OPINION_GUARD + words_can_be_erased("quality_calibrationanswer")
# Taken back, the guard of opinions goes on to let words be erased: the columns are gone by then.
WORDS_STAY = words_stay("quality_calibrationanswer")
