-- name: lock_held
-- Locks leased rows to the end of the transaction, in the order of their ids.
SELECT FROM engine_effect AS effect
JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
    ON effect.id = held.id AND effect.fence = held.fence
WHERE effect.state = 'leased' ORDER BY effect.id FOR NO KEY UPDATE OF effect
