-- name: promote_due
-- Timers whose time has come, the earliest first.
WITH due AS (
    SELECT id FROM engine_effect WHERE state = 'waiting' AND run_at <= now()
    ORDER BY run_at LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
)
UPDATE engine_effect AS effect SET state = 'ready' FROM due WHERE effect.id = due.id
RETURNING effect.id, solo
