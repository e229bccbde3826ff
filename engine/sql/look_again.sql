-- name: look_again
-- Neither timers, which were never tried, nor failed effects that wait for their next attempt.
UPDATE engine_effect SET state = 'ready', run_at = now()
WHERE account_id = ANY(%s) AND state = 'waiting' AND fence > 0 AND failing_since IS NULL
RETURNING id
