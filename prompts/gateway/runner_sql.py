"""Places of processes that are heard of no more."""

BEAT = """
INSERT INTO gateway_runner (id, seen_at) VALUES (%s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
"""

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
