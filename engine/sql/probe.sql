-- name: probe
-- Most sweeps find nothing, so this is all that an idle installation executes each second. Ordered like the partial
-- indexes, so that the planner uses them.
SELECT (SELECT true FROM engine_effect AS effect WHERE {expired_lease} ORDER BY lease_until LIMIT 1),
    (SELECT true FROM engine_effect WHERE state = 'waiting' AND run_at <= now() ORDER BY run_at LIMIT 1),
    (SELECT true FROM engine_effect WHERE state = 'ready' AND (solo OR {missed_notification})
     ORDER BY lane, account_id, id LIMIT 1),
    (SELECT true FROM engine_effect AS effect WHERE {lost_call} LIMIT 1)
