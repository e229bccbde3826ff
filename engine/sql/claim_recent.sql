-- name: claim_recent
-- What became due lately, if that is no more than `limit`: then all tenants are served without shares. While a long
-- transaction keeps dead rows, the walk of claim_shares steps over all of them, this over those of two seconds.
WITH lately AS (
    SELECT FROM engine_effect
    WHERE state = 'ready' AND fence >= 0 AND lane = ANY(%(lanes)s::text[]) AND run_at > now() - %(lately)s::interval
    LIMIT %(limit)s::int + 1
),
taken AS (
    SELECT id FROM engine_effect AS effect
    WHERE fence >= 0 AND lane = ANY(%(lanes)s::text[]) AND run_at > now() - %(lately)s::interval
        AND NOT solo AND {claimable} AND (SELECT count(*) FROM lately) <= %(limit)s::int
    FOR UPDATE SKIP LOCKED
),
effect AS ({lease_taken})
SELECT {columns}, (SELECT count(*) FROM lately) FROM (SELECT) AS always LEFT JOIN effect ON true
