"""Holds of a set of calls under the same budgets, taken or ended in one statement."""

from telemetry.chargeback.sql import COVERING, ENDED

_ASKED = {
    "team": "(asked->>'team')::bigint",
    "use_case": "(asked->>'use_case')::bigint",
    "month": "(asked->>'month')::date",
    "quarter": "(asked->>'quarter')::date",
    "year": "(asked->>'year')::date",
    "currency": "asked->>'currency'",
    "amount": "(asked->>'amount')::numeric",
}

# The budgets above these calls, locked, where all of them have room for all of it and none is to
# be renewed first; else NULL. Nothing is written. The rule is that of TAKE_HOLDS.
WITH_ROOM = f"""
CREATE FUNCTION chargeback_with_room(asked jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    found_ bigint[];
    fits_ boolean;
BEGIN
    SELECT array_agg(id), bool_and(fits AND NOT is_due) INTO found_, fits_
    FROM ({COVERING.format(**_ASKED)}) covering;
    RETURN CASE WHEN fits_ THEN found_ END;
END $$;
"""  # noqa: S608  # parts of our own
WITH_ROOM_BACK = "DROP FUNCTION chargeback_with_room(jsonb);"

# On budgets that were locked and found to have room.
HOLD = """
CREATE FUNCTION chargeback_hold_first(asked jsonb, budgets bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE chargeback_budget SET reserved = reserved + (asked->>'amount')::numeric
    WHERE id = ANY (budgets);
    INSERT INTO chargeback_hold
        (budget_id, call_id, attempt, amount, captured_amount, state, held_at, expires_at)
    SELECT budget, hold.call, 1, hold.amount, 0, asked->>'state', hold.held_at, hold.expires_at
    FROM jsonb_to_recordset(asked->'holds') AS hold (
        call uuid, amount numeric, held_at timestamptz, expires_at timestamptz
    ), unnest(budgets) budget;
END $$;
"""
HOLD_BACK = "DROP FUNCTION chargeback_hold_first(jsonb, bigint[]);"

_TOLD = {
    "released": "told->>'released'",
    "captured": "told->>'captured'",
    "now": "(told->>'at')::timestamptz",
}

# As END_HOLDS, for calls with one billed attempt each, and each of them held. Answers the budgets
# that crossed a threshold just now.
CAPTURE = f"""
CREATE FUNCTION chargeback_capture_first(told jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    crossing bigint[];
    unheld integer;
BEGIN
    WITH bill AS (
        SELECT * FROM jsonb_to_recordset(told->'bills') AS bill (call uuid, amount numeric)
    ), locked AS MATERIALIZED (
        SELECT hold.id, hold.budget_id, hold.call_id, hold.attempt, hold.state, hold.amount
        FROM chargeback_hold AS hold
        JOIN chargeback_budget AS budget ON budget.id = hold.budget_id
        WHERE hold.call_id = ANY (ARRAY(SELECT call FROM bill))
        ORDER BY budget.id, hold.id FOR UPDATE OF budget, hold
    ), ending AS (
        SELECT locked.id, locked.budget_id,
            CASE WHEN attempt = 1 THEN bill.amount END AS billed,
            CASE WHEN state IN ('held', 'suspense') THEN locked.amount ELSE 0 END AS freed
        FROM locked JOIN bill ON bill.call = locked.call_id
        WHERE CASE WHEN attempt = 1 THEN told->'capturable' ? state ELSE state = 'held' END
    {ENDED.format(**_TOLD)}
    SELECT (SELECT array_agg(id ORDER BY id) FROM changed WHERE crosses AND billed > 0),
        (SELECT count(*) FROM bill WHERE NOT EXISTS (
            SELECT FROM locked WHERE locked.call_id = bill.call AND locked.attempt = 1))
    INTO crossing, unheld;
    IF unheld > 0 THEN
        RAISE EXCEPTION '% calls were never held on a budget', unheld
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN crossing;
END $$;
"""  # noqa: S608  # parts of our own
CAPTURE_BACK = "DROP FUNCTION chargeback_capture_first(jsonb);"

TOGETHER = WITH_ROOM + HOLD + CAPTURE
TOGETHER_BACK = CAPTURE_BACK + HOLD_BACK + WITH_ROOM_BACK
