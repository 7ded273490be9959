"""A set of calls of one key, let in or settled by one statement: a transaction of its own.

Locks are taken in the order in which one call takes them: calls, budgets, buckets, circuits.
"""

# Takes from every bucket and as many places as there are calls at one deployment, or nothing:
# NULL wherever there may be a reason to refuse one of them. Answers the levels before it.
ENTER = """
CREATE FUNCTION gateway_enter_together(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz;
    tokens double precision := (asked->>'tokens')::double precision;
    count_ integer := jsonb_array_length(asked->'calls');
    place jsonb := asked->'place';
    one jsonb;
    bucket gateway_bucket;
    buckets gateway_bucket[] := '{}';
    levels jsonb := '[]';
    in_flight integer;
BEGIN
    FOR one IN SELECT * FROM jsonb_array_elements(asked->'buckets') LOOP
        buckets := buckets || gateway_locked_bucket(one->>'subject', (one->>'id')::bigint);
    END LOOP;
    PERFORM 1 FROM gateway_circuit
    WHERE deployment_id = (place->>'id')::bigint AND state = 'closed' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    now_ := clock_timestamp();
    IF place->>'requests' IS NOT NULL OR place->>'tokens' IS NOT NULL THEN
        buckets := buckets || gateway_locked_bucket('deployment', (place->>'id')::bigint);
    END IF;
    FOR i IN 1 .. cardinality(buckets) LOOP
        bucket := buckets[i];
        one := coalesce(asked->'buckets'->(i - 1), place);
        bucket.requests_left := gateway_level(
            bucket.requests_left, bucket.refilled_at, (one->>'requests')::integer, now_);
        bucket.tokens_left := gateway_level(
            bucket.tokens_left, bucket.refilled_at, (one->>'tokens')::integer, now_);
        IF bucket.requests_left < count_ OR bucket.tokens_left < tokens THEN
            RETURN NULL;
        END IF;
        levels := levels || jsonb_build_object(
            'requests', bucket.requests_left, 'tokens', bucket.tokens_left);
        buckets[i] := bucket;
    END LOOP;
    DELETE FROM gateway_flight
    WHERE deployment_id = (place->>'id')::bigint AND until <= now_;
    SELECT count(*) INTO in_flight FROM gateway_flight
    WHERE deployment_id = (place->>'id')::bigint;
    IF in_flight + count_ > (place->>'most')::integer THEN
        RETURN NULL;
    END IF;
    FOREACH bucket IN ARRAY buckets LOOP
        UPDATE gateway_bucket SET requests_left = bucket.requests_left - count_,
            tokens_left = bucket.tokens_left - tokens,
            refilled_at = greatest(refilled_at, now_)
        WHERE id = bucket.id;
    END LOOP;
    INSERT INTO gateway_flight (call_id, deployment_id, until, runner_id)
    SELECT id, (place->>'id')::bigint, now_ + make_interval(secs => lease),
        (asked->>'runner')::uuid
    FROM jsonb_to_recordset(asked->'calls') AS call (id uuid, lease double precision);
    RETURN levels;
END $$;
"""
ENTER_BACK = "DROP FUNCTION gateway_enter_together(jsonb);"

# NULL where one cannot be let in just so; without levels where something changed that governs
# calls since it was seen, which is looked at once the budgets' locks are there.
ADMIT = """
CREATE FUNCTION gateway_admit(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    budgets bigint[];
    levels jsonb;
    seen bigint[] := ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(asked->'seen'));
BEGIN
    budgets := chargeback_with_room(asked->'money');
    IF budgets IS NULL THEN
        RETURN NULL;
    END IF;
    IF cardinality(seen) > 0 AND seen <> (SELECT ARRAY[count(*), coalesce(min(id), 0), coalesce(max(id), 0)]
                FROM gateway_governingchange) THEN
        RETURN jsonb_build_object('at', clock_timestamp());
    END IF;
    levels := gateway_enter_together(asked->'door');
    IF levels IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM ledger_admit(asked->'calls', asked->'payloads');
    PERFORM chargeback_hold_first(asked->'money', budgets);
    RETURN jsonb_build_object('at', clock_timestamp(), 'levels', levels);
END $$;
"""
ADMIT_BACK = "DROP FUNCTION gateway_admit(jsonb);"

# NULL, with nothing written, where one of the calls is not as it was let in.
SETTLE = """
CREATE FUNCTION gateway_settle(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    crossing bigint[];
    left_ jsonb;
BEGIN
    IF NOT ledger_settle(told->'calls', told->'entries', told->'payloads') THEN
        RETURN NULL;
    END IF;
    crossing := chargeback_capture_first(told->'money');
    left_ := gateway_leave(told->'door');
    DELETE FROM gateway_flight WHERE call_id = ANY (
        ARRAY(SELECT (one->>'id')::uuid FROM jsonb_array_elements(told->'calls') one));
    RETURN left_ || jsonb_build_object('crossing', coalesce(to_jsonb(crossing), '[]'));
END $$;
"""
SETTLE_BACK = "DROP FUNCTION gateway_settle(jsonb);"

TOGETHER = ENTER + ADMIT + SETTLE
TOGETHER_BACK = SETTLE_BACK + ADMIT_BACK + ENTER_BACK
