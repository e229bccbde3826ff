-- name: finish
-- Done inside the database, in the transaction of the work.
UPDATE engine_effect AS effect
SET state = 'done', done_at = now(), lease_until = NULL, attempts = attempts + 1, last_error = '',
    cause = '', took = %(took)s::int
{still_held}
