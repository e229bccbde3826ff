-- name: finish_sent
-- Done outside, each with its outcome: also what a sweep released and no process has claimed since.
UPDATE engine_effect AS effect
SET state = 'done', done_at = now(), lease_until = NULL, attempts = attempts + 1, last_error = '',
    cause = '', outcome = sent.outcome::jsonb, took = sent.took
FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(outcomes)s::text[], %(took)s::int[])
    AS sent(id, fence, outcome, took)
WHERE effect.id = sent.id AND effect.fence = sent.fence
    AND effect.state IN ('leased', 'uncertain', 'ready')
RETURNING effect.id
