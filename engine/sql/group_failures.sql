-- name: group_failures
-- Dead, uncertain and failing effects in groups of one cause. One state at a time, each along its own index.
WITH failed AS (
    (SELECT id, kind, cause, state, attempts, created_at FROM engine_effect
     WHERE state = 'dead' ORDER BY id DESC LIMIT {counted})
    UNION ALL
    (SELECT id, kind, cause, state, attempts, created_at FROM engine_effect
     WHERE state = 'uncertain' ORDER BY id DESC LIMIT {counted})
    UNION ALL
    (SELECT id, kind, cause, state, attempts, created_at FROM engine_effect
     WHERE state = 'waiting' AND failing_since IS NOT NULL LIMIT {counted})
)
SELECT kind, cause, state,
    CASE WHEN state = 'uncertain' THEN 'uncertain' WHEN max(attempts) = 0 THEN 'never' ELSE 'attempted' END,
    count(*), min(created_at), (array_agg(id ORDER BY id DESC))[1]
FROM failed GROUP BY kind, cause, state, attempts = 0
ORDER BY count(*) DESC, kind, cause, state LIMIT {groups}
