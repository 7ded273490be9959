"""Triggers of chargeback: the rollup, the month a line is booked to, and closed statements."""

BOOKING_PERIOD = """
CREATE FUNCTION chargeback_booking_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The month must not close between this look and our commit: closing takes this lock alone.
    PERFORM pg_advisory_xact_lock_shared(722001, NEW.team_id::integer);
    WHILE EXISTS (
        SELECT 1 FROM chargeback_statement
        WHERE team_id = NEW.team_id AND period = NEW.period AND state = 'closed'
    ) LOOP
        NEW.period := (NEW.period + interval '1 month')::date;
    END LOOP;
    RETURN NEW;
END $$;

CREATE TRIGGER chargeback_booking_period BEFORE INSERT ON ledger_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION chargeback_booking_period();
ALTER TABLE ledger_ledgerentry ENABLE ALWAYS TRIGGER chargeback_booking_period;
"""

BOOKING_PERIOD_BACK = """
DROP TRIGGER chargeback_booking_period ON ledger_ledgerentry;
DROP FUNCTION chargeback_booking_period();
"""

DAILY_USAGE = """
CREATE FUNCTION chargeback_add_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chargeback_dailyusage AS usage
        (period, day, team_id, use_case_id, deployment_id, source, currency,
         calls, tokens_input, tokens_cached, tokens_output, cost)
    SELECT period, day, team_id, use_case_id, deployment_id, source, currency,
           sum(calls), sum(tokens_input), sum(tokens_cached), sum(tokens_output), sum(amount)
    FROM booked
    GROUP BY period, day, team_id, use_case_id, deployment_id, source, currency
    -- One order for everybody, so that two transactions cannot wait for each other.
    ORDER BY period, day, team_id, use_case_id, deployment_id, source, currency
    ON CONFLICT (period, day, team_id, use_case_id, deployment_id, source, currency)
    DO UPDATE SET
        calls = usage.calls + excluded.calls,
        tokens_input = usage.tokens_input + excluded.tokens_input,
        tokens_cached = usage.tokens_cached + excluded.tokens_cached,
        tokens_output = usage.tokens_output + excluded.tokens_output,
        cost = usage.cost + excluded.cost;
    RETURN NULL;
END $$;

CREATE TRIGGER chargeback_add_usage AFTER INSERT ON ledger_ledgerentry
    REFERENCING NEW TABLE AS booked
    FOR EACH STATEMENT EXECUTE FUNCTION chargeback_add_usage();
ALTER TABLE ledger_ledgerentry ENABLE ALWAYS TRIGGER chargeback_add_usage;
"""

DAILY_USAGE_BACK = """
DROP TRIGGER chargeback_add_usage ON ledger_ledgerentry;
DROP FUNCTION chargeback_add_usage();
"""

CLOSED_STATEMENTS = """
CREATE FUNCTION chargeback_closed_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'the statement % of team % is closed and never changes',
            OLD.period, OLD.team_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER chargeback_closed_never_changes BEFORE UPDATE OR DELETE ON chargeback_statement
    FOR EACH ROW EXECUTE FUNCTION chargeback_closed_never_changes();
ALTER TABLE chargeback_statement ENABLE ALWAYS TRIGGER chargeback_closed_never_changes;
"""

CLOSED_STATEMENTS_BACK = """
DROP TRIGGER chargeback_closed_never_changes ON chargeback_statement;
DROP FUNCTION chargeback_closed_never_changes();
"""

# Requests say amounts in cents. A change acts from the limit that it was opened at; the same
# one may put that back, when it was an emergency that is reverted: also in the months into
# which the budget was renewed meanwhile, and not below what is used of it by then.
LIMIT_NEEDS_CHANGE = """
CREATE FUNCTION chargeback_limit_needs_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW."limit" = OLD."limit" OR EXISTS (
        SELECT 1 FROM approvals_changerequest change
        JOIN chargeback_budget decided ON decided.id = change.subject_id
        WHERE change.id = NEW.change_id AND change.kind = 'budget'
            AND ((change.state IN ('approved', 'applied', 'provisional')
                    AND decided.id = NEW.id
                    AND (change.proposal->>'limit')::numeric = NEW."limit"
                    AND (change.base->>'limit')::numeric = round(OLD."limit", 2))
                OR (change.state IN ('provisional', 'reverted')
                    AND decided.team_id = NEW.team_id
                    AND decided.use_case_id IS NOT DISTINCT FROM NEW.use_case_id
                    AND (change.proposal->>'limit')::numeric = OLD."limit"
                    AND NEW."limit" >= (change.base->>'limit')::numeric
                    AND NEW."limit" <= greatest(OLD."limit", (change.base->>'limit')::numeric)))
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a limit of % needs a decided change of exactly this budget', NEW."limit"
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER chargeback_limit_needs_change BEFORE UPDATE OF "limit" ON chargeback_budget
    FOR EACH ROW EXECUTE FUNCTION chargeback_limit_needs_change();
ALTER TABLE chargeback_budget ENABLE ALWAYS TRIGGER chargeback_limit_needs_change;
"""

LIMIT_NEEDS_CHANGE_BACK = """
DROP TRIGGER chargeback_limit_needs_change ON chargeback_budget;
DROP FUNCTION chargeback_limit_needs_change();
"""

# A budget begins as what was decided, to the letter, or as the copy of the last one before it
# that renews: that one passed here itself, and its limit is guarded above.
BUDGET_NEEDS_CHANGE = """
CREATE FUNCTION chargeback_budget_needs_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM approvals_changerequest change
        JOIN chargeback_budgetproposal asked ON asked.id = change.subject_id
        WHERE change.id = NEW.change_id AND change.kind = 'new_budget'
            AND change.state IN ('approved', 'applied')
            AND asked.team_id = NEW.team_id
            AND asked.use_case_id IS NOT DISTINCT FROM NEW.use_case_id
            AND asked.starts_on = NEW.starts_on
            AND (change.proposal->>'limit')::numeric = NEW."limit"
            AND change.proposal->>'currency' = NEW.currency
            AND (change.proposal->>'hard')::boolean = NEW.hard
            AND (change.proposal->>'renews')::boolean = NEW.renews
            AND change.proposal->'soft_thresholds' = NEW.soft_thresholds
    ) OR EXISTS (
        SELECT 1 FROM (
            SELECT * FROM chargeback_budget
            WHERE team_id = NEW.team_id AND use_case_id IS NOT DISTINCT FROM NEW.use_case_id
                AND starts_on < NEW.starts_on
            ORDER BY starts_on DESC LIMIT 1
        ) earlier
        WHERE earlier.renews AND NEW.renews
            AND earlier."limit" = NEW."limit"
            AND earlier.currency = NEW.currency
            AND earlier.hard = NEW.hard
            AND earlier.soft_thresholds = NEW.soft_thresholds
            AND earlier.change_id IS NOT DISTINCT FROM NEW.change_id
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a budget of % needs a decided change of exactly this one', NEW."limit"
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER chargeback_budget_needs_change BEFORE INSERT ON chargeback_budget
    FOR EACH ROW EXECUTE FUNCTION chargeback_budget_needs_change();
ALTER TABLE chargeback_budget ENABLE ALWAYS TRIGGER chargeback_budget_needs_change;

CREATE FUNCTION chargeback_budget_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'budget % stands as it was decided: only its limit changes, by a change', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- What calls write (reserved, captured, overrun, alerted) is not named, so it never comes here.
CREATE TRIGGER chargeback_budget_stands
    BEFORE UPDATE OF team_id, use_case_id, period, starts_on, currency, hard, renews,
        soft_thresholds, change_id ON chargeback_budget
    FOR EACH ROW WHEN (
        (OLD.team_id, OLD.use_case_id, OLD.period, OLD.starts_on, OLD.currency, OLD.hard,
            OLD.renews, OLD.soft_thresholds)
        IS DISTINCT FROM
        (NEW.team_id, NEW.use_case_id, NEW.period, NEW.starts_on, NEW.currency, NEW.hard,
            NEW.renews, NEW.soft_thresholds)
        OR (OLD.change_id IS DISTINCT FROM NEW.change_id AND OLD."limit" = NEW."limit")
    ) EXECUTE FUNCTION chargeback_budget_stands();
ALTER TABLE chargeback_budget ENABLE ALWAYS TRIGGER chargeback_budget_stands;
"""

BUDGET_NEEDS_CHANGE_BACK = """
DROP TRIGGER chargeback_budget_stands ON chargeback_budget;
DROP FUNCTION chargeback_budget_stands();
DROP TRIGGER chargeback_budget_needs_change ON chargeback_budget;
DROP FUNCTION chargeback_budget_needs_change();
"""

# The budgets above calls of one use case, locked in one order, and whether each has room for the
# amount: of the use case, its team and the organisation, by month, quarter and year. A budget
# whose period is over and whose next one was not made yet (`is_due`) has to be renewed before
# anything is held: else a new period would begin without its limit.
COVERING = """SELECT id,
        starts_on < CASE period WHEN 'month' THEN {month}
            WHEN 'quarter' THEN {quarter} ELSE {year} END AS is_due,
        currency = {currency}
            AND (NOT hard OR "limit" + rolled >= captured + reserved + {amount}) AS fits
    FROM chargeback_budget
    WHERE (team_id = {team} OR team_id IS NULL)
        AND (use_case_id IS NULL OR use_case_id = {use_case})
        AND ((period = 'month' AND starts_on = {month})
            OR (period = 'quarter' AND starts_on = {quarter})
            OR (period = 'year' AND starts_on = {year})
            OR (renews AND NOT renewed
                AND starts_on < CASE period WHEN 'month' THEN {month}
                    WHEN 'quarter' THEN {quarter} ELSE {year} END))
    ORDER BY id FOR UPDATE"""
COVERING_FACTS = ("team", "use_case", "month", "quarter", "year", "currency", "amount")

# Every budget above the call takes the amount, or none does. The first part locks them and judges
# their newest rows; the others see what it saw. One that is due takes nothing, and makes the
# statement take nothing at all until somebody has renewed it.
TAKE_HOLDS = f"""
WITH covering AS MATERIALIZED (
    {COVERING.format(**{name: f"%({name})s" for name in COVERING_FACTS})}
), verdict AS (
    SELECT coalesce(bool_and(fits) FILTER (WHERE NOT is_due), false) AS fits,
        NOT coalesce(bool_or(is_due), false) AS is_fresh
    FROM covering
), taken AS (
    UPDATE chargeback_budget AS budget SET reserved = budget.reserved + %(amount)s
    FROM covering, verdict
    WHERE budget.id = covering.id AND NOT covering.is_due AND verdict.fits
        AND (verdict.is_fresh OR NOT %(needs_fresh)s)
    RETURNING budget.id
), held AS (
    INSERT INTO chargeback_hold
        (budget_id, call_id, attempt, amount, captured_amount, state, held_at, expires_at)
    SELECT id, %(call)s, %(attempt)s, %(amount)s, 0, %(state)s, %(now)s, %(expires_at)s
    FROM taken
    RETURNING id
)
SELECT (SELECT count(*) FROM held), (SELECT is_fresh FROM verdict)
"""  # noqa: S608  # parts of our own

# What the end of holds does to their budgets and to them. Comes after `ending`: hold, budget, what
# was billed of it (NULL: nothing, it is given back) and what is no longer reserved.
ENDED = """), total AS (
    SELECT budget_id, sum(freed) AS freed, sum(coalesce(billed, 0)) AS billed
    FROM ending GROUP BY budget_id
), changed AS (
    UPDATE chargeback_budget AS budget SET
        reserved = budget.reserved - total.freed,
        captured = budget.captured + total.billed,
        overrun = CASE WHEN budget.hard THEN greatest(
            budget.overrun,
            budget.captured + total.billed + budget.reserved - total.freed
                - budget."limit" - budget.rolled
        ) ELSE 0 END
    FROM total WHERE budget.id = total.budget_id
    RETURNING budget.id, EXISTS (
        SELECT FROM jsonb_array_elements(budget.soft_thresholds) AS mark
        WHERE budget.captured * 100 >= (budget."limit" + budget.rolled) * mark::numeric
            AND NOT budget.alerted @> mark
    ) AS crosses, total.billed
), ended AS (
    UPDATE chargeback_hold AS hold SET
        state = CASE WHEN ending.billed IS NULL THEN {released} ELSE {captured} END,
        captured_amount = coalesce(ending.billed, hold.captured_amount),
        ended_at = {now}
    FROM ending WHERE hold.id = ending.id
    RETURNING hold.id
)"""
ENDED_FACTS = ("released", "captured", "now")

# Captures the attempts that were billed and gives back the others that are in a state of
# `give_back` (of the attempt `only`, or of all). Answers which attempts have holds, how many
# holds ended, and the budgets that crossed a threshold just now.
END_HOLDS = f"""
WITH bill AS (
    SELECT * FROM unnest(%(attempts)s::smallint[], %(amounts)s::numeric[]) AS bill (attempt, amount)
), locked AS MATERIALIZED (
    SELECT hold.id, hold.budget_id, hold.attempt, hold.state, hold.amount
    FROM chargeback_hold AS hold JOIN chargeback_budget AS budget ON budget.id = hold.budget_id
    WHERE hold.call_id = %(call)s
    ORDER BY budget.id, hold.id FOR UPDATE OF budget, hold
), ending AS (
    SELECT locked.id, locked.budget_id, bill.amount AS billed,
        CASE WHEN locked.state IN ('held', 'suspense') THEN locked.amount ELSE 0 END AS freed
    FROM locked LEFT JOIN bill USING (attempt)
    WHERE CASE WHEN bill.attempt IS NOT NULL THEN locked.state = ANY (%(capturable)s)
        ELSE locked.state = ANY (%(give_back)s)
            AND locked.attempt = coalesce(%(only)s, locked.attempt) END
{ENDED.format(**{name: f"%({name})s" for name in ENDED_FACTS})}
SELECT (SELECT array_agg(DISTINCT attempt) FROM locked),
    (SELECT count(*) FROM ended),
    (SELECT array_agg(id ORDER BY id) FROM changed WHERE crosses AND billed > 0)
"""  # noqa: S608  # parts of our own

# A closed month is opened again by a decided change that names its last seal, and only once by
# each: the seal's number is in it. The seal itself stays as a version.
REOPENED_BY_CHANGE = """
CREATE OR REPLACE FUNCTION chargeback_closed_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'closed' THEN
        IF TG_OP = 'UPDATE' AND NEW.state = 'open' AND NEW.sha256 = ''
            AND (NEW.id, NEW.team_id, NEW.period, NEW.currency)
                = (OLD.id, OLD.team_id, OLD.period, OLD.currency)
            AND EXISTS (
                SELECT 1 FROM approvals_changerequest change
                JOIN chargeback_statementversion seal ON seal.statement_id = OLD.id
                WHERE change.id = NEW.unsealed_by_id
                    AND change.kind = 'statement_reopening' AND change.subject_id = OLD.id
                    AND change.state IN ('approved', 'applied', 'provisional')
                    AND seal.sha256 = OLD.sha256
                    AND change.proposal->>'sha256' = OLD.sha256
                    AND (change.proposal->>'version')::integer = seal.number
                    AND seal.number = (
                        SELECT max(number) FROM chargeback_statementversion
                        WHERE statement_id = OLD.id)
            )
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the statement % of team % is closed and never changes',
            OLD.period, OLD.team_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
"""

REOPENED_BY_CHANGE_BACK = CLOSED_STATEMENTS.partition("CREATE TRIGGER")[0].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)

# Months that were closed before seals were kept as versions.
VERSIONS_OF_CLOSED = """
INSERT INTO chargeback_statementversion
    (statement_id, number, total, currency, entry_count, last_entry, lines, sha256,
     closed_at, closed_by_id)
SELECT id, 1, total, currency, entry_count,
    coalesce((SELECT max(e.id) FROM ledger_ledgerentry e
              WHERE e.team_id = s.team_id AND e.period = s.period), 0),
    lines, sha256, closed_at, closed_by_id
FROM chargeback_statement s WHERE state = 'closed'
"""
