-- name: release_expired
-- What dead workers held is ready again, and runs alone from now on; after so many crashes it is dead.
WITH lost AS (
    SELECT id FROM engine_effect AS effect
    WHERE {expired_lease}
    ORDER BY lease_until LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
)
UPDATE engine_effect AS effect
SET state = CASE WHEN {charged} AND crashes + 1 >= %(crashes)s THEN 'dead' ELSE 'ready' END,
    crashes = crashes + {charged}::int, solo = true, lease_until = NULL, last_error = %(gone)s, cause = %(gone)s
FROM lost WHERE effect.id = lost.id RETURNING effect.id, effect.kind, effect.state, effect.fence
