"""What the database itself refuses: a changed scoring model, a stage nobody decided."""

# Scores were made under these words: a version only ever stops being the active one.
SCORING_MODELS_STAND = """
CREATE FUNCTION placet_scoring_model_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'active') = (to_jsonb(OLD) - 'active') AND NOT (NEW.active AND NOT OLD.active)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A change of a scoring model refused: make the next version'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER registry_scoring_model_stands BEFORE UPDATE ON registry_scoringmodel
    FOR EACH ROW EXECUTE FUNCTION placet_scoring_model_stands();
ALTER TABLE registry_scoringmodel ENABLE ALWAYS TRIGGER registry_scoring_model_stands;
"""
SCORING_MODELS_REVERSE = """
DROP TRIGGER registry_scoring_model_stands ON registry_scoringmodel;
DROP FUNCTION placet_scoring_model_stands();
"""

# A change acts from the stage it was opened at, so that an old one cannot be used again. The
# same change may put the stage back where it was: an emergency change that is reverted.
STAGE_NEEDS_CHANGE = """
CREATE FUNCTION placet_stage_needs_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.stage = 'proposed' THEN RETURN NEW; END IF;
    ELSIF NEW.stage = OLD.stage THEN
        RETURN NEW;
    ELSIF EXISTS (
        SELECT 1 FROM approvals_changerequest
        WHERE id = NEW.stage_change_id AND kind = 'use_case_stage' AND subject_id = NEW.id
            AND ((state IN ('approved', 'applied', 'provisional')
                    AND proposal->>'target' = NEW.stage AND base->>'stage' = OLD.stage)
                OR (state IN ('provisional', 'reverted')
                    AND proposal->>'target' = OLD.stage AND base->>'stage' = NEW.stage))
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a stage needs a decided change of exactly this use case to %', NEW.stage
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER registry_stage_needs_change BEFORE INSERT OR UPDATE ON registry_usecase
    FOR EACH ROW EXECUTE FUNCTION placet_stage_needs_change();
ALTER TABLE registry_usecase ENABLE ALWAYS TRIGGER registry_stage_needs_change;
"""
STAGE_REVERSE = """
DROP TRIGGER registry_stage_needs_change ON registry_usecase;
DROP FUNCTION placet_stage_needs_change();
"""
