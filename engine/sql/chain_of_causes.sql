-- name: chain_of_causes
-- A transition and its causes, back to a person's request.
WITH RECURSIVE chain AS (
    SELECT engine_transition.*, 1 AS step FROM engine_transition WHERE id = %(id)s
    UNION ALL
    SELECT cause.*, step + 1 FROM chain JOIN engine_transition AS cause ON cause.id = chain.cause_id
    WHERE step < 100)
SELECT * FROM chain ORDER BY step
