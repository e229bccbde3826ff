-- name: gather_by_key
-- Effects become members of a batch, unless they are finished or of another one. Locked by id, the order in which all
-- code locks them, so that none is finished uncounted.
WITH mine AS (
    SELECT id FROM engine_effect WHERE key = ANY(%s::text[]) AND batch_id IS NULL AND state NOT IN ('done', 'skipped')
        AND id <> %s::uuid ORDER BY id FOR NO KEY UPDATE)
UPDATE engine_effect AS effect SET batch_id = %s::uuid FROM mine WHERE effect.id = mine.id
