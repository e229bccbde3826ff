-- name: promote_moved
-- Rescheduled effects that are due, as the next sweep would promote them.
UPDATE engine_effect SET state = 'ready'
WHERE id = ANY(%s::uuid[]) AND state = 'waiting' AND run_at <= now()
