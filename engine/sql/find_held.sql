-- name: find_held
-- The ids of those that are still leased to their holder, without a lock.
SELECT effect.id FROM engine_effect AS effect
JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
    ON effect.id = held.id AND effect.fence = held.fence
WHERE effect.state = 'leased'
