-- piece: not_stopped
-- Added to `claimable` if a tenant is paused or some effects were let go. CASE, because the planner would take most
-- rows for paused.
AND CASE WHEN effect.id = ANY(%(let_go)s::uuid[]) THEN true
    ELSE NOT (effect.kind = ANY(%(stopped)s::text[]) OR effect.account_id = ANY(%(held)s::uuid[])) END
