-- name: claim_named
-- Those named by a notification. One that must run alone is claimed only if it was named alone.
WITH taken AS (
    SELECT id FROM engine_effect AS effect
    WHERE id = ANY(%(ids)s::uuid[]) AND {claimable} AND (NOT solo OR %(alone)s::bool)
        AND (%(lanes)s::text[] IS NULL OR lane = ANY(%(lanes)s::text[]))
    ORDER BY id FOR UPDATE SKIP LOCKED
) {lease_taken}
