"""Sets of calls, admitted or settled in one statement. Rows come as JSON, by their columns."""

# New calls with their sealed requests.
ADMIT = """
CREATE FUNCTION ledger_admit(calls jsonb, payloads jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_call SELECT * FROM jsonb_populate_recordset(NULL::ledger_call, calls);
    INSERT INTO ledger_payload
    SELECT * FROM jsonb_populate_recordset(NULL::ledger_payload, payloads);
END $$;
"""
ADMIT_BACK = "DROP FUNCTION ledger_admit(jsonb, jsonb);"

# The end of calls that run, with their first money lines and answers: all of them, or none where
# one is not as it was let in (settled by another, or booked already).
SETTLE = """
CREATE FUNCTION ledger_settle(calls jsonb, entries jsonb, payloads jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found_ integer;
BEGIN
    SELECT count(*) INTO found_ FROM (
        SELECT id FROM ledger_call
        WHERE id = ANY (ARRAY(SELECT (one->>'id')::uuid FROM jsonb_array_elements(calls) one))
            AND state = 'running' AND outcome = '' AND attempts = 0
        ORDER BY id FOR UPDATE
    ) as_let_in;
    IF found_ < jsonb_array_length(calls) THEN
        RETURN false;
    END IF;
    INSERT INTO ledger_ledgerentry
        (call_id, attempt, kind, team_id, use_case_id, deployment_id, period, day, calls,
         tokens_input, tokens_cached, tokens_output, tokens_reasoning, images, amount, currency,
         priced_amount, priced_currency, rate_id, source, corrects_id, description, created_at)
    SELECT call_id, attempt, kind, team_id, use_case_id, deployment_id, period, day, new.calls,
        tokens_input, tokens_cached, tokens_output, tokens_reasoning, images, amount, currency,
        priced_amount, priced_currency, rate_id, source, corrects_id, description, created_at
    FROM jsonb_populate_recordset(NULL::ledger_ledgerentry, entries) new;
    UPDATE ledger_payload payload SET response_sealed = new.response_sealed,
        keep_until = greatest(payload.keep_until, new.keep_until)
    FROM jsonb_populate_recordset(NULL::ledger_payload, payloads) new
    WHERE payload.call_id = new.call_id;
    GET DIAGNOSTICS found_ = ROW_COUNT;
    IF found_ < jsonb_array_length(payloads) THEN
        RAISE EXCEPTION 'a call has no payload' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE ledger_call call SET state = new.state, outcome = new.outcome,
        finished_at = new.finished_at, lease_until = new.lease_until,
        response_hash = new.response_hash, digest = new.digest, cost = new.cost,
        tokens_input = new.tokens_input, tokens_cached = new.tokens_cached,
        tokens_output = new.tokens_output, tokens_reasoning = new.tokens_reasoning,
        images = new.images, attempts = new.attempts, findings = new.findings,
        stage_trail = new.stage_trail, hold_reason = new.hold_reason,
        latency_ms = new.latency_ms, is_cached = new.is_cached,
        deployment_id = new.deployment_id, price_snapshot = new.price_snapshot
    FROM jsonb_populate_recordset(NULL::ledger_call, calls) new
    WHERE call.id = new.id;
    RETURN true;
END $$;
"""
SETTLE_BACK = "DROP FUNCTION ledger_settle(jsonb, jsonb, jsonb);"

TOGETHER = ADMIT + SETTLE
TOGETHER_BACK = SETTLE_BACK + ADMIT_BACK
