-- name: reschedule
-- Moves effects that wait for their first run, locked in the order of their ids.
WITH mine AS (
    SELECT effect.id, moment.at FROM engine_effect AS effect
    JOIN unnest(%s::uuid[], %s::timestamptz[]) AS moment(id, at) ON effect.id = moment.id
    WHERE effect.state = 'waiting' AND effect.fence = 0
    ORDER BY effect.id FOR NO KEY UPDATE OF effect)
UPDATE engine_effect AS effect SET run_at = mine.at FROM mine WHERE effect.id = mine.id
