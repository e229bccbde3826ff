-- name: claim_shares
-- A share for each of the next tenants with ready effects. A walk along the index finds them, one step for each,
-- however many effects they have. Returns how many were served, and the last of them, even where no row was free.
WITH RECURSIVE tenant(account_id) AS (
    (SELECT account_id FROM engine_effect
     WHERE state = 'ready' AND lane = %(lane)s::text AND account_id >= %(first)s::uuid
     ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT next.account_id FROM engine_effect AS next
            WHERE next.state = 'ready' AND next.lane = %(lane)s::text AND next.account_id > tenant.account_id
            ORDER BY next.account_id LIMIT 1)
    FROM tenant WHERE tenant.account_id IS NOT NULL
),
served AS (SELECT account_id FROM tenant WHERE account_id IS NOT NULL LIMIT %(tenants)s::int),
taken AS (
    SELECT share.id FROM served, LATERAL (
        SELECT id FROM engine_effect AS effect
        WHERE lane = %(lane)s::text AND effect.account_id = served.account_id AND NOT solo AND {claimable}
        ORDER BY id LIMIT least({max_per_tenant}, greatest(1, %(limit)s::int / (SELECT count(*) FROM served)))
        FOR UPDATE SKIP LOCKED
    ) AS share
),
effect AS ({lease_taken})
SELECT {columns}, (SELECT count(*) FROM served), (SELECT account_id FROM served ORDER BY account_id DESC LIMIT 1)
FROM (SELECT) AS always LEFT JOIN effect ON true
