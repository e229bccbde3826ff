-- name: release_lost_calls
-- They stay uncertain, and an operator may decide on them.
WITH lost AS (SELECT id FROM engine_effect AS effect WHERE {lost_call} LIMIT %(at_once)s FOR UPDATE SKIP LOCKED)
UPDATE engine_effect AS effect SET lease_until = NULL, last_error = %(gone)s, cause = %(gone)s
FROM lost WHERE effect.id = lost.id RETURNING effect.id, effect.kind, effect.state, effect.fence
