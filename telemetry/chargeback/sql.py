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
