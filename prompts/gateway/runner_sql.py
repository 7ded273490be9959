"""Places of processes that are heard of no more."""

BEAT = """
INSERT INTO gateway_runner (id, seen_at, holds_lock) VALUES (%s, clock_timestamp(), %s)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, holds_lock = excluded.holds_lock
"""
LOCK = "SELECT pg_try_advisory_lock(gateway_lock_of(%s))"

# Four beats may be missed: a busy process is no dead one.
FREE_DEAD = """
CREATE FUNCTION gateway_free_dead(of_deployment bigint, now_ timestamptz) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM gateway_flight WHERE deployment_id = of_deployment AND runner_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM gateway_runner
        WHERE id = runner_id AND seen_at > now_ - interval '5 seconds')
$$;
"""
FREE_DEAD_BACK = "DROP FUNCTION gateway_free_dead(bigint, timestamptz);"

LOCK_OF = """
CREATE FUNCTION gateway_lock_of(runner uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || left(replace(runner::text, '-', ''), 16))::bit(64)::bigint
$$;
"""
LOCK_OF_BACK = "DROP FUNCTION gateway_lock_of(uuid);"

# The lock of a process that is killed ends with its connection, at once.
FREE_GONE = """
CREATE OR REPLACE FUNCTION gateway_free_dead(of_deployment bigint, now_ timestamptz) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM gateway_flight WHERE deployment_id = of_deployment AND runner_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM gateway_runner
        WHERE id = runner_id AND seen_at > now_ - interval '5 seconds'
        AND NOT (holds_lock AND pg_try_advisory_xact_lock_shared(gateway_lock_of(id))))
$$;
"""
