-- name: fail
-- An attempt is charged. With patience, dead when the time and all attempts are used up; without, when either is.
UPDATE engine_effect AS effect
SET state = CASE WHEN %(is_final)s::bool
                 OR %(patience)s::interval IS NULL AND (
                     attempts + 1 >= %(most)s::int OR now() > failing_since + %(give_up)s::interval)
                 OR attempts + 1 >= %(most)s::int AND now() > failing_since + %(patience)s::interval
            THEN 'dead' ELSE 'waiting' END,
    attempts = attempts + 1, lease_until = NULL, last_error = %(error)s::text,
    cause = %(cause)s::text, run_at = now() + %(wait)s::interval,
    failing_since = coalesce(failing_since, now())
{still_held}
RETURNING effect.state
