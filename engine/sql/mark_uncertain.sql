-- name: mark_uncertain
-- A call that must not be repeated has failed: it stays uncertain, without a lease.
UPDATE engine_effect AS effect
SET attempts = attempts + 1, lease_until = NULL, last_error = %(error)s::text, cause = %(cause)s::text
{still_held}
