-- name: move_to_their_lane
-- Effects in lanes that no known kind has any more, scheduled before a release gave their kind another lane.
WITH RECURSIVE lane(name) AS (
    (SELECT lane FROM engine_effect WHERE state = 'ready' ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT next.lane FROM engine_effect AS next
            WHERE next.state = 'ready' AND next.lane > lane.name ORDER BY next.lane LIMIT 1)
    FROM lane WHERE lane.name IS NOT NULL
),
stranded AS (
    SELECT effect.id, known.lane
    FROM (SELECT name FROM lane WHERE name <> ALL(%(lanes)s::text[])) AS former
    JOIN engine_effect AS effect ON effect.lane = former.name AND effect.state = 'ready'
    JOIN unnest(%(kinds)s::text[], %(lanes)s::text[]) AS known(kind, lane) ON known.kind = effect.kind
    LIMIT %(at_once)s FOR UPDATE OF effect SKIP LOCKED
)
UPDATE engine_effect AS effect SET lane = stranded.lane FROM stranded WHERE effect.id = stranded.id
