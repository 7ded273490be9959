"""What the database itself refuses and keeps: scoring models, decided stages, deciding scores."""

from governance.audit.sql import versions_change_again, versions_stand

# Scores were made under these words: a version only ever stops being the active one.
_MODELS = ("registry_scoringmodel", "scoring_model_stands")
SCORING_MODELS_STAND = versions_stand(*_MODELS, "scoring model")
SCORING_MODELS_REVERSE = versions_change_again(*_MODELS)

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

# The row is locked first, so that of two scores at once the second sees the first. What a round's
# seats hold is no score: nothing of it gets here before its consensus is recorded.
SCORES_DECIDE = """
CREATE FUNCTION placet_score_decides() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_use_case bigint;
BEGIN
    of_use_case := CASE WHEN TG_OP = 'DELETE' THEN OLD.use_case_id ELSE NEW.use_case_id END;
    PERFORM 1 FROM registry_usecase WHERE id = of_use_case FOR NO KEY UPDATE;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM registry_decidingscore WHERE score_id = OLD.id;
    END IF;
    INSERT INTO registry_decidingscore
        (use_case_id, score_id, impact, effort, threshold, points, model_version, tier)
    SELECT s.use_case_id, s.id, s.impact_total, s.effort_total, s.threshold, s.impact || s.effort,
        s.model_version, u.tier
    FROM registry_score AS s JOIN registry_usecase AS u ON u.id = s.use_case_id
    WHERE s.use_case_id = of_use_case
    ORDER BY s.round_id DESC NULLS LAST, s.at DESC, s.id DESC LIMIT 1
    ON CONFLICT (use_case_id) DO UPDATE SET
        score_id = EXCLUDED.score_id, impact = EXCLUDED.impact, effort = EXCLUDED.effort,
        threshold = EXCLUDED.threshold, points = EXCLUDED.points,
        model_version = EXCLUDED.model_version, tier = EXCLUDED.tier;
    RETURN NULL;
END $$;
CREATE TRIGGER registry_score_decides AFTER INSERT OR UPDATE OR DELETE ON registry_score
    FOR EACH ROW EXECUTE FUNCTION placet_score_decides();
ALTER TABLE registry_score ENABLE ALWAYS TRIGGER registry_score_decides;

CREATE FUNCTION placet_tier_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registry_decidingscore SET tier = NEW.tier
    WHERE use_case_id = NEW.id AND tier <> NEW.tier;
    RETURN NULL;
END $$;
CREATE TRIGGER registry_tier_follows AFTER UPDATE OF tier ON registry_usecase
    FOR EACH ROW WHEN (OLD.tier IS DISTINCT FROM NEW.tier)
    EXECUTE FUNCTION placet_tier_follows();
ALTER TABLE registry_usecase ENABLE ALWAYS TRIGGER registry_tier_follows;

INSERT INTO registry_decidingscore
    (use_case_id, score_id, impact, effort, threshold, points, model_version, tier)
SELECT DISTINCT ON (s.use_case_id)
    s.use_case_id, s.id, s.impact_total, s.effort_total, s.threshold, s.impact || s.effort,
    s.model_version, u.tier
FROM registry_score AS s JOIN registry_usecase AS u ON u.id = s.use_case_id
ORDER BY s.use_case_id, s.round_id DESC NULLS LAST, s.at DESC, s.id DESC;
"""
SCORES_DECIDE_REVERSE = """
DROP TRIGGER registry_tier_follows ON registry_usecase;
DROP FUNCTION placet_tier_follows();
DROP TRIGGER registry_score_decides ON registry_score;
DROP FUNCTION placet_score_decides();
"""
