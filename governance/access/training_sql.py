"""A training record is written once: only its revocation comes later, once."""

RECORDS_STAND = """
CREATE FUNCTION placet_training_record_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL
        AND (to_jsonb(NEW) - 'revoked_at' - 'revoked_by_id' - 'revoke_reason')
          = (to_jsonb(OLD) - 'revoked_at' - 'revoked_by_id' - 'revoke_reason')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on a training record refused: records are written once', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER access_training_record_stands BEFORE UPDATE OR DELETE ON access_trainingrecord
    FOR EACH ROW EXECUTE FUNCTION placet_training_record_stands();
ALTER TABLE access_trainingrecord ENABLE ALWAYS TRIGGER access_training_record_stands;
"""
RECORDS_REVERSE = """
DROP TRIGGER access_training_record_stands ON access_trainingrecord;
DROP FUNCTION placet_training_record_stands();
"""
