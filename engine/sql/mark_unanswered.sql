-- name: mark_unanswered
-- A call that was not answered is tried once more, then uncertain.
UPDATE engine_effect AS effect
SET state = CASE WHEN %(is_parked)s::bool THEN 'uncertain' ELSE 'waiting' END, attempts = attempts + 1,
    lease_until = NULL, last_error = %(error)s::text, cause = %(cause)s::text,
    run_at = now() + %(wait)s::interval, failing_since = coalesce(failing_since, now())
{still_held}
