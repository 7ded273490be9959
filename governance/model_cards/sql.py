"""The database itself refuses an approved card without an approval in force."""

from governance.audit.sql import insert_only, writable_again

# Deferred: whoever puts an older card back may do so before or after its approval.
CARD_NEEDS_APPROVAL = """
CREATE FUNCTION placet_card_needs_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'approved' THEN RETURN NULL; END IF;
    IF EXISTS (
        SELECT 1 FROM model_cards_modelcard card
        WHERE card.id = NEW.id AND card.state = 'approved' AND NOT EXISTS (
            SELECT 1 FROM approvals_approval
            WHERE kind = 'model_card' AND subject_id = card.id AND state = 'in_force'
        )
    ) THEN
        RAISE EXCEPTION 'an approved model card needs an approval in force of this card'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER model_cards_card_needs_approval
    AFTER INSERT OR UPDATE ON model_cards_modelcard
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'approved') EXECUTE FUNCTION placet_card_needs_approval();
ALTER TABLE model_cards_modelcard ENABLE ALWAYS TRIGGER model_cards_card_needs_approval;
"""
REVERSE = """
DROP TRIGGER model_cards_card_needs_approval ON model_cards_modelcard;
DROP FUNCTION placet_card_needs_approval();
"""

# Rates and promises are entered, and that is all: a correction is a row of its own.
ENTERED = ("model_cards_exchangerate", "model_cards_commitment")
ENTERED_ONLY = "".join(insert_only(table) for table in ENTERED)
ENTERED_AGAIN = "".join(writable_again(table) for table in ENTERED)
