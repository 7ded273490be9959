"""The figures of a month as statements over its calls, by index of their time."""

# Exact repeats: what the request's hash, the version and the model say is the same question.
REPEATED = """
INSERT INTO savings_saving (figures_id, lever, team_id, use_case_id, deployment_id, calls, amount,
    facts)
SELECT %(figures)s, 'repeated', team_id, use_case_id, deployment_id, sum(times - 1),
    sum(cost - first_cost), jsonb_build_object('questions', count(*))
FROM (
    SELECT team_id, use_case_id, deployment_id, count(*) AS times, sum(cost) AS cost,
        (array_agg(cost ORDER BY admitted_at, id))[1] AS first_cost
    FROM ledger_call
    WHERE admitted_at >= %(since)s AND admitted_at < %(until)s AND source = 'live'
        AND request_hash <> '' AND outcome IN ('deliver', 'hold') AND NOT is_cached
    GROUP BY team_id, use_case_id, deployment_id, prompt_version_id, request_hash
    HAVING count(*) > 1
) AS question
GROUP BY team_id, use_case_id, deployment_id HAVING sum(cost - first_cost) > 0
"""

UNUSED = """
INSERT INTO savings_saving (figures_id, lever, team_id, use_case_id, deployment_id, calls, amount,
    facts)
SELECT %(figures)s, 'unused', team_id, use_case_id, NULL, sum(calls), sum(cost),
    jsonb_object_agg(state, calls)
FROM (
    SELECT team_id, use_case_id, state, count(*) AS calls, sum(cost) AS cost
    FROM ledger_call
    WHERE admitted_at >= %(since)s AND admitted_at < %(until)s AND source = 'live' AND cost > 0
        AND state IN ('failed', 'blocked', 'rejected', 'expired')
    GROUP BY team_id, use_case_id, state
) AS lost
GROUP BY team_id, use_case_id
"""

# A hold stands on every budget above its call: one of them is enough.
IDLE = """
INSERT INTO savings_saving (figures_id, lever, team_id, use_case_id, deployment_id, calls, amount,
    facts)
SELECT %(figures)s, 'idle', team_id, use_case_id, deployment_id, count(*),
    round((sum(held) - sum(billed)) / count(*), 9),
    jsonb_build_object('times', round(sum(held) / sum(billed), 1)::text)
FROM (
    SELECT call.team_id, call.use_case_id, call.deployment_id, hold.call_id, hold.attempt,
        max(hold.amount) AS held, max(hold.captured_amount) AS billed
    FROM ledger_call AS call JOIN chargeback_hold AS hold ON hold.call_id = call.id
    WHERE call.admitted_at >= %(since)s AND call.admitted_at < %(until)s
        AND call.source = 'live' AND hold.state = 'captured'
    GROUP BY call.team_id, call.use_case_id, call.deployment_id, hold.call_id, hold.attempt
) AS attempt
GROUP BY team_id, use_case_id, deployment_id
HAVING count(*) >= %(least_calls)s AND sum(billed) > 0
    AND sum(held) >= %(idle_times)s * sum(billed)
"""

UNITS = """
INSERT INTO savings_unitcost (figures_id, team_id, use_case_id, calls, tasks, accepted, reviewed,
    cost)
SELECT %(figures)s, booked.team_id, booked.use_case_id, booked.calls, coalesce(made.tasks, 0),
    coalesce(made.accepted, 0), coalesce(made.reviewed, 0), booked.cost
FROM (
    SELECT team_id, use_case_id, sum(calls) AS calls, sum(cost) AS cost
    FROM chargeback_dailyusage WHERE period = %(month)s AND use_case_id IS NOT NULL
    GROUP BY team_id, use_case_id
) AS booked LEFT JOIN (
    SELECT team_id, use_case_id, count(DISTINCT task_id) FILTER (WHERE task_id <> '') AS tasks,
        count(*) FILTER (WHERE state IN ('delivered', 'released')) AS accepted,
        count(*) FILTER (WHERE decided_at IS NOT NULL) AS reviewed
    FROM ledger_call
    WHERE admitted_at >= %(since)s AND admitted_at < %(until)s AND outcome <> ''
    GROUP BY team_id, use_case_id
) AS made USING (team_id, use_case_id)
"""

# By version on a model, the month and the two before it; newest last.
VERSIONS = """
SELECT team_id, use_case_id, deployment_id, prompt_version_id, max(prompt_label),
    count(*) FILTER (WHERE admitted_at >= %(since)s), count(*), avg(tokens_input)
FROM ledger_call
WHERE admitted_at >= %(earlier)s AND admitted_at < %(until)s AND source = 'live'
    AND prompt_version_id IS NOT NULL AND deployment_id IS NOT NULL AND tokens_input > 0
    AND attempts = 1
GROUP BY team_id, use_case_id, deployment_id, prompt_version_id
ORDER BY team_id, use_case_id, deployment_id, prompt_version_id
"""

# What versions took of each deployment by day: booked usage, tokens as prices count them.
BY_VERSION = """
SELECT entry.team_id, entry.use_case_id, entry.deployment_id, call.prompt_version_id, entry.day,
    deployment.slug, sum(entry.calls), sum(entry.tokens_input), sum(entry.tokens_cached),
    sum(entry.tokens_output), sum(entry.tokens_reasoning), sum(entry.images), sum(entry.amount)
FROM ledger_ledgerentry AS entry
    JOIN ledger_call AS call ON call.id = entry.call_id
    JOIN model_cards_deployment AS deployment ON deployment.id = entry.deployment_id
WHERE entry.period = %(month)s AND entry.kind = 'usage' AND entry.source = 'live'
    AND call.mode <> 'internal' AND call.prompt_version_id = ANY(%(versions)s) AND entry.use_case_id IS NOT NULL
GROUP BY entry.team_id, entry.use_case_id, entry.deployment_id, call.prompt_version_id, entry.day,
    deployment.slug
"""
