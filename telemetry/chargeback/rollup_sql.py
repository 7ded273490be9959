"""The trigger that keeps the daily rollup, with every kind of token; sql.py has its beginning."""

DAILY_USAGE_OF_KINDS = """
CREATE OR REPLACE FUNCTION chargeback_add_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chargeback_dailyusage AS usage
        (period, day, team_id, use_case_id, deployment_id, source, currency,
         calls, tokens_input, tokens_cached, tokens_output, tokens_reasoning, images, cost)
    SELECT period, day, team_id, use_case_id, deployment_id, source, currency,
           sum(calls), sum(tokens_input), sum(tokens_cached), sum(tokens_output),
           sum(tokens_reasoning), sum(images), sum(amount)
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
        tokens_reasoning = usage.tokens_reasoning + excluded.tokens_reasoning,
        images = usage.images + excluded.images,
        cost = usage.cost + excluded.cost;
    RETURN NULL;
END $$;
"""
