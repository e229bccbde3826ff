-- name: put_off
-- Not ready to be done: no attempt is charged, and failing_since stays as it is.
UPDATE engine_effect AS effect
SET state = 'waiting', lease_until = NULL, last_error = %(reason)s::text, run_at = now() + %(after)s::interval
{still_held}
