"""The door in one statement, and the way out in another.

Everybody locks in one order: buckets as the caller lists them (key, then use case), circuits by
their deployment's number, then the buckets of those deployments, which nobody touches without
the circuit's lock. Whoever waits sees what those before them took. No row is locked longer than
the statement when it stands alone.
"""

LEVEL = """
CREATE FUNCTION gateway_level(
    held double precision, refilled_at timestamptz, per_minute integer, now_ timestamptz
) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN per_minute IS NULL THEN NULL ELSE least(
        per_minute,
        coalesce(held, per_minute)
            + greatest(0, extract(epoch FROM now_ - refilled_at)) * per_minute / 60.0
    ) END
$$;
"""
LEVEL_BACK = "DROP FUNCTION gateway_level(double precision, timestamptz, integer, timestamptz);"

# How many seconds until `wanted` is there; nothing to wait for without a limit.
WAIT = """
CREATE FUNCTION gateway_wait(
    level double precision, wanted double precision, per_minute integer
) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN per_minute IS NULL THEN 0
        ELSE greatest(0, (wanted - level) * 60.0 / per_minute) END
$$;
"""
WAIT_BACK = "DROP FUNCTION gateway_wait(double precision, double precision, integer);"

BUCKET = """
CREATE FUNCTION gateway_locked_bucket(of_subject text, of_id bigint)
RETURNS gateway_bucket LANGUAGE plpgsql AS $$
DECLARE
    found_ gateway_bucket;
BEGIN
    LOOP
        SELECT * INTO found_ FROM gateway_bucket
        WHERE subject = of_subject AND subject_id = of_id FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO gateway_bucket (subject, subject_id, refilled_at)
        VALUES (of_subject, of_id, clock_timestamp()) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN found_;
END $$;
"""
BUCKET_BACK = "DROP FUNCTION gateway_locked_bucket(text, bigint);"

CIRCUITS = """
CREATE FUNCTION gateway_lock_circuits(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known integer;
BEGIN
    SELECT count(*) INTO known FROM gateway_circuit WHERE deployment_id = ANY(ids);
    IF known < cardinality(ids) THEN
        INSERT INTO gateway_circuit (deployment_id)
        SELECT one FROM unnest(ids) one ORDER BY one ON CONFLICT DO NOTHING;
    END IF;
    PERFORM 1 FROM gateway_circuit WHERE deployment_id = ANY(ids)
    ORDER BY deployment_id FOR UPDATE;
END $$;
"""
CIRCUITS_BACK = "DROP FUNCTION gateway_lock_circuits(bigint[]);"

# Takes from every bucket and a place at the first deployment that may be asked: all or nothing.
ENTER = """
CREATE FUNCTION gateway_enter(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz;
    tokens double precision := (asked->>'tokens')::double precision;
    one jsonb;
    bucket gateway_bucket;
    circuit gateway_circuit;
    wait double precision;
    longest double precision := 0;
    short_of jsonb := NULL;
    buckets jsonb := '[]';
    skipped jsonb := '[]';
    chosen bigint := NULL;
    why text;
    is_probe boolean := false;
    in_flight integer;
BEGIN
    FOR one IN SELECT * FROM jsonb_array_elements(asked->'buckets') LOOP
        PERFORM gateway_locked_bucket(one->>'subject', (one->>'id')::bigint);
    END LOOP;
    PERFORM gateway_lock_circuits(ARRAY(
        SELECT (each->>'id')::bigint FROM jsonb_array_elements(asked->'deployments') each));
    now_ := clock_timestamp();

    FOR one IN SELECT * FROM jsonb_array_elements(asked->'buckets') LOOP
        bucket := gateway_locked_bucket(one->>'subject', (one->>'id')::bigint);
        bucket.requests_left := gateway_level(
            bucket.requests_left, bucket.refilled_at, (one->>'requests')::integer, now_);
        bucket.tokens_left := gateway_level(
            bucket.tokens_left, bucket.refilled_at, (one->>'tokens')::integer, now_);
        FOR why, wait IN VALUES
            ('requests', gateway_wait(bucket.requests_left, 1, (one->>'requests')::integer)),
            ('tokens', gateway_wait(bucket.tokens_left, tokens, (one->>'tokens')::integer))
        LOOP
            IF wait > longest THEN
                longest := wait;
                short_of := jsonb_build_object(
                    'subject', one->>'subject', 'kind', why, 'wait', wait);
            END IF;
        END LOOP;
        buckets := buckets || jsonb_build_object(
            'subject', one->>'subject', 'id', one->'id',
            'requests', bucket.requests_left, 'tokens', bucket.tokens_left);
    END LOOP;
    IF short_of IS NOT NULL THEN
        RETURN jsonb_build_object('short_of', short_of, 'buckets', buckets);
    END IF;

    FOR one IN SELECT * FROM jsonb_array_elements(asked->'deployments') LOOP
        SELECT * INTO circuit FROM gateway_circuit WHERE deployment_id = (one->>'id')::bigint;
        why := '';
        wait := 0;
        is_probe := false;
        IF circuit.state = 'held_open' THEN
            why := 'held_open';
            wait := 60;
        ELSIF circuit.state = 'open' AND circuit.open_until > now_ THEN
            why := 'open';
            wait := extract(epoch FROM circuit.open_until - now_);
        ELSIF circuit.state = 'half_open' AND circuit.probe_until > now_ THEN
            why := 'half_open';
            wait := 2;
        ELSE
            is_probe := circuit.state IN ('open', 'half_open');
            DELETE FROM gateway_flight
            WHERE deployment_id = circuit.deployment_id AND until <= now_;
            SELECT count(*) INTO in_flight FROM gateway_flight
            WHERE deployment_id = circuit.deployment_id AND call_id <> (asked->>'call')::uuid;
            IF in_flight >= (one->>'most')::integer THEN
                PERFORM gateway_free_dead(circuit.deployment_id, now_);
                SELECT count(*) INTO in_flight FROM gateway_flight
                WHERE deployment_id = circuit.deployment_id AND call_id <> (asked->>'call')::uuid;
            END IF;
            IF in_flight >= (one->>'most')::integer THEN
                why := 'busy';
                wait := 1;
            ELSIF one->>'requests' IS NOT NULL OR one->>'tokens' IS NOT NULL THEN
                bucket := gateway_locked_bucket('deployment', circuit.deployment_id);
                bucket.requests_left := gateway_level(
                    bucket.requests_left, bucket.refilled_at, (one->>'requests')::integer, now_);
                bucket.tokens_left := gateway_level(
                    bucket.tokens_left, bucket.refilled_at, (one->>'tokens')::integer, now_);
                wait := greatest(
                    gateway_wait(bucket.requests_left, 1, (one->>'requests')::integer),
                    gateway_wait(bucket.tokens_left, tokens, (one->>'tokens')::integer));
                IF wait > 0 THEN
                    why := 'limit';
                ELSE
                    UPDATE gateway_bucket SET requests_left = bucket.requests_left - 1,
                        tokens_left = bucket.tokens_left - tokens,
                        refilled_at = greatest(refilled_at, now_)
                    WHERE id = bucket.id;
                END IF;
            END IF;
        END IF;
        IF why = '' THEN
            chosen := circuit.deployment_id;
            EXIT;
        END IF;
        skipped := skipped || jsonb_build_object(
            'id', circuit.deployment_id, 'why', why, 'wait', wait);
    END LOOP;
    IF chosen IS NULL AND jsonb_array_length(asked->'deployments') > 0 THEN
        RETURN jsonb_build_object('skipped', skipped, 'buckets', buckets);
    END IF;

    FOR one IN SELECT * FROM jsonb_array_elements(buckets) LOOP
        UPDATE gateway_bucket SET requests_left = (one->>'requests')::double precision - 1,
            tokens_left = (one->>'tokens')::double precision - tokens,
            refilled_at = greatest(refilled_at, now_)
        WHERE subject = one->>'subject' AND subject_id = (one->>'id')::bigint;
    END LOOP;
    IF chosen IS NOT NULL THEN
        INSERT INTO gateway_flight (call_id, deployment_id, until, runner_id)
        VALUES ((asked->>'call')::uuid, chosen,
            now_ + make_interval(secs => (asked->>'lease')::double precision),
            (asked->>'runner')::uuid)
        ON CONFLICT (call_id) DO UPDATE
        SET deployment_id = excluded.deployment_id, until = excluded.until,
            runner_id = excluded.runner_id;
    END IF;
    IF is_probe THEN
        UPDATE gateway_circuit SET state = asked->>'probed',
            probe_until = now_ + make_interval(secs => (asked->>'lease')::double precision)
        WHERE deployment_id = chosen;
        INSERT INTO gateway_circuitmove
            (deployment_id, at, action, source, target, by_label, reason)
        VALUES (chosen, now_, 'probe', circuit.state, asked->>'probed', '', '');
    END IF;
    RETURN jsonb_build_object(
        'chosen', chosen, 'is_probe', is_probe, 'skipped', skipped, 'buckets', buckets);
END $$;
"""
ENTER_BACK = "DROP FUNCTION gateway_enter(jsonb);"

# Gives back what was taken and not used, frees the place, and counts how the attempts ended.
LEAVE = """
CREATE FUNCTION gateway_leave(told jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz;
    one jsonb;
    bucket gateway_bucket;
    circuits jsonb := '[]';
    running bigint;
    seconds integer := (told->>'window')::integer;
BEGIN
    FOR one IN SELECT * FROM jsonb_array_elements(told->'buckets') LOOP
        PERFORM gateway_locked_bucket(one->>'subject', (one->>'id')::bigint);
    END LOOP;
    PERFORM gateway_lock_circuits(ARRAY(
        SELECT (each->>'id')::bigint FROM jsonb_array_elements(told->'deployments') each));
    now_ := clock_timestamp();
    running := floor(extract(epoch FROM now_) / seconds);

    FOR one IN
        SELECT * FROM jsonb_array_elements(told->'buckets')
        UNION ALL
        SELECT each || '{"subject": "deployment"}'::jsonb FROM jsonb_array_elements(told->'deployments') each
    LOOP
        CONTINUE WHEN one->>'tokens' IS NULL OR (one->>'back')::double precision = 0;
        bucket := gateway_locked_bucket(one->>'subject', (one->>'id')::bigint);
        UPDATE gateway_bucket SET
            requests_left = requests_left,
            tokens_left = least((one->>'tokens')::double precision,
                coalesce(tokens_left, (one->>'tokens')::double precision)
                    + (one->>'back')::double precision)
        WHERE id = bucket.id;
    END LOOP;
    DELETE FROM gateway_flight WHERE call_id = (told->>'call')::uuid;
    FOR one IN SELECT * FROM jsonb_array_elements(told->'deployments') LOOP
        UPDATE gateway_circuit SET
            calls_before = CASE window_number WHEN running THEN calls_before
                WHEN running - 1 THEN calls ELSE 0 END,
            failures_before = CASE window_number WHEN running THEN failures_before
                WHEN running - 1 THEN failures ELSE 0 END,
            calls = CASE window_number WHEN running THEN calls ELSE 0 END + (one->>'calls')::integer,
            failures = CASE window_number WHEN running THEN failures ELSE 0 END
                + (one->>'failures')::integer,
            window_number = running,
            probe_until = CASE WHEN (one->>'unused_probe')::boolean THEN NULL ELSE probe_until END
        WHERE deployment_id = (one->>'id')::bigint;
    END LOOP;
    INSERT INTO gateway_attemptend (deployment_id, at, failure, took_ms)
    SELECT (each->>'id')::bigint, now_, each->>'failure', (each->>'took_ms')::integer
    FROM jsonb_array_elements(told->'attempts') each;
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', deployment_id, 'state', state, 'calls', calls + calls_before,
        'failures', failures + failures_before)), '[]')
    INTO circuits FROM gateway_circuit
    WHERE deployment_id IN (
        SELECT (each->>'id')::bigint FROM jsonb_array_elements(told->'deployments') each);
    RETURN jsonb_build_object('at', now_, 'circuits', circuits);
END $$;
"""
LEAVE_BACK = "DROP FUNCTION gateway_leave(jsonb);"

# Rows that every call updates: room beside each for its next version, so that no index grows.
ROOMY = """
ALTER TABLE gateway_bucket SET (fillfactor = 50);
ALTER TABLE gateway_circuit SET (fillfactor = 50);
ALTER TABLE gateway_flight SET (fillfactor = 50);
"""

STEADY = LEVEL + WAIT + BUCKET + CIRCUITS + ENTER + LEAVE
STEADY_BACK = LEAVE_BACK + ENTER_BACK + CIRCUITS_BACK + BUCKET_BACK + WAIT_BACK + LEVEL_BACK

NOTE_LIMITS = """
CREATE TRIGGER gateway_note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON gateway_usecaselimit FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_change();
ALTER TABLE gateway_usecaselimit ENABLE ALWAYS TRIGGER gateway_note_change;
DROP TRIGGER gateway_note_change ON access_apikey;
CREATE TRIGGER gateway_note_change AFTER DELETE OR TRUNCATE OR UPDATE OF
    use_case_id, use_case_slug, team_id, prefix, secret_hash, scopes, requests_per_minute,
    tokens_per_minute, expires_at, revoked_at ON access_apikey
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_change();
ALTER TABLE access_apikey ENABLE ALWAYS TRIGGER gateway_note_change;
"""
NOTE_LIMITS_BACK = """
DROP TRIGGER gateway_note_change ON gateway_usecaselimit;
DROP TRIGGER gateway_note_change ON access_apikey;
CREATE TRIGGER gateway_note_change AFTER DELETE OR TRUNCATE OR UPDATE OF
    use_case_id, use_case_slug, team_id, prefix, secret_hash, scopes, requests_per_minute,
    expires_at, revoked_at ON access_apikey
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_change();
ALTER TABLE access_apikey ENABLE ALWAYS TRIGGER gateway_note_change;
"""
