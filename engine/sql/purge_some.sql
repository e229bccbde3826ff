-- name: purge_some
-- Deletes effects that were done long ago and whose key cannot come again (engine/purge.py), without events, and of no
-- batch that goes on.
WITH gone AS (
    SELECT effect.id FROM engine_effect AS effect
    LEFT JOIN engine_transition AS fact ON fact.id = effect.transition_id
    WHERE effect.id >= %(first)s AND effect.id < %(last)s AND effect.state = 'done'
        AND effect.created_at < %(until)s AND effect.done_at < %(before)s
        AND (fact.id IS NULL OR fact.at < %(until)s)
        AND (effect.key = concat_ws(':', fact.machine, fact.object_id, fact.seq, effect.kind)
            OR effect.kind = ANY(%(purgeable)s))
        AND NOT EXISTS (SELECT FROM engine_effectevent WHERE effect_id = effect.id)
        AND (effect.batch_id IS NULL
            OR EXISTS (SELECT FROM engine_batch WHERE id = effect.batch_id AND completed_at IS NOT NULL))
        AND NOT EXISTS (SELECT FROM engine_batch WHERE then_id = effect.id)
    LIMIT %(at_once)s FOR UPDATE OF effect SKIP LOCKED)
DELETE FROM engine_effect USING gone WHERE engine_effect.id = gone.id
