-- name: read_stops
-- What is paused, and when rates are free again. Only unfinished ones of those let go: while there are any, claims look
-- through all that is paused.
SELECT scope, name, NULL::float, NULL::interval,
    ARRAY(SELECT id FROM engine_effect WHERE id = ANY(let_go) AND state IN ('ready', 'waiting', 'leased'))
FROM engine_effectpause
WHERE ended_at IS NULL AND (until IS NULL OR until > now())
UNION ALL
SELECT 'throttle', name, extract(epoch FROM free_at - clock_timestamp())::float, every, '{}' FROM engine_throttle
