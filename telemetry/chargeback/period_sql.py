"""The guards of budgets once they have periods, roll over and may be the organisation's."""

from telemetry.chargeback import sql


def _replaced(function: str) -> str:
    """The function alone: its trigger stays."""
    return function.split("CREATE TRIGGER")[0].replace(
        "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
    )


LIMIT_OF_PERIODS = _replaced(sql.LIMIT_NEEDS_CHANGE).replace(
    "AND decided.team_id = NEW.team_id",
    "AND decided.team_id IS NOT DISTINCT FROM NEW.team_id AND decided.period = NEW.period",
)

# As BUDGET_NEEDS_CHANGE; and a renewed one carries over what was unused, up to its share.
BUDGET_OF_PERIODS = """
CREATE OR REPLACE FUNCTION chargeback_budget_needs_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM approvals_changerequest change
        JOIN chargeback_budgetproposal asked ON asked.id = change.subject_id
        WHERE change.id = NEW.change_id AND change.kind = 'new_budget'
            AND change.state IN ('approved', 'applied')
            AND asked.team_id IS NOT DISTINCT FROM NEW.team_id
            AND asked.use_case_id IS NOT DISTINCT FROM NEW.use_case_id
            AND asked.period = NEW.period
            AND asked.starts_on = NEW.starts_on
            AND (change.proposal->>'limit')::numeric = NEW."limit"
            AND change.proposal->>'currency' = NEW.currency
            AND (change.proposal->>'hard')::boolean = NEW.hard
            AND (change.proposal->>'renews')::boolean = NEW.renews
            AND change.proposal->'soft_thresholds' = NEW.soft_thresholds
            AND coalesce((change.proposal->>'carry_percent')::integer, 0) = NEW.carry_percent
            AND NEW.rolled = 0
    ) OR EXISTS (
        SELECT 1 FROM (
            SELECT * FROM chargeback_budget
            WHERE team_id IS NOT DISTINCT FROM NEW.team_id
                AND use_case_id IS NOT DISTINCT FROM NEW.use_case_id
                AND period = NEW.period AND starts_on < NEW.starts_on
            ORDER BY starts_on DESC LIMIT 1
        ) earlier
        WHERE earlier.renews AND NEW.renews
            AND earlier."limit" = NEW."limit"
            AND earlier.currency = NEW.currency
            AND earlier.hard = NEW.hard
            AND earlier.soft_thresholds = NEW.soft_thresholds
            AND earlier.carry_percent = NEW.carry_percent
            AND earlier.change_id IS NOT DISTINCT FROM NEW.change_id
            AND NEW.rolled = greatest(0, least(
                earlier."limit" + earlier.rolled - earlier.captured - earlier.reserved,
                trunc(earlier."limit" * earlier.carry_percent / 100, 9)))
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a budget of % needs a decided change of exactly this one', NEW."limit"
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER chargeback_carried_stands
    BEFORE UPDATE OF carry_percent, rolled ON chargeback_budget
    FOR EACH ROW WHEN (
        (OLD.carry_percent, OLD.rolled) IS DISTINCT FROM (NEW.carry_percent, NEW.rolled)
    ) EXECUTE FUNCTION chargeback_budget_stands();
ALTER TABLE chargeback_budget ENABLE ALWAYS TRIGGER chargeback_carried_stands;
"""
BUDGET_OF_PERIODS_BACK = (
    "DROP TRIGGER chargeback_carried_stands ON chargeback_budget;"
    + _replaced(sql.BUDGET_NEEDS_CHANGE)
    + _replaced(sql.LIMIT_NEEDS_CHANGE)
)

# All but the last of each have their next one.
MARK_RENEWED = """
UPDATE chargeback_budget AS budget SET renewed = true WHERE EXISTS (
    SELECT 1 FROM chargeback_budget later
    WHERE later.team_id = budget.team_id
        AND later.use_case_id IS NOT DISTINCT FROM budget.use_case_id
        AND later.starts_on > budget.starts_on AND later.starts_on <= current_date);
"""
