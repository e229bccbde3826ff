-- name: promote_due_shares
-- A share of every tenant's, where more timers are due than one statement promotes.
WITH RECURSIVE tenant(account_id) AS (
    (SELECT account_id FROM engine_effect WHERE state = 'waiting' ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT next.account_id FROM engine_effect AS next
            WHERE next.state = 'waiting' AND next.account_id > tenant.account_id
            ORDER BY next.account_id LIMIT 1)
    FROM tenant WHERE tenant.account_id IS NOT NULL
),
due AS (
    SELECT share.id FROM tenant, LATERAL (
        SELECT id FROM engine_effect AS effect
        WHERE state = 'waiting' AND effect.account_id = tenant.account_id AND run_at <= now()
        ORDER BY run_at LIMIT {max_per_tenant} FOR UPDATE SKIP LOCKED
    ) AS share
)
UPDATE engine_effect AS effect SET state = 'ready' FROM due WHERE effect.id = due.id
RETURNING effect.id, solo
