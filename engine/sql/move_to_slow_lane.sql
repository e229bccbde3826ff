-- name: move_to_slow_lane
-- Effects of kinds that a release made slow: no worker of their old lane may execute them.
UPDATE engine_effect SET lane = %(slow)s WHERE id IN (
    SELECT id FROM engine_effect WHERE state = 'ready' AND kind = ANY(%(kinds)s::text[]) AND lane <> %(slow)s
    LIMIT %(at_once)s FOR UPDATE SKIP LOCKED)
