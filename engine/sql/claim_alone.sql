-- name: claim_alone
-- One that must run alone: if it kills its process, no other lease is lost.
WITH taken AS (
    SELECT id FROM engine_effect AS effect WHERE lane = ANY(%(lanes)s::text[]) AND solo AND {claimable}
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) {lease_taken}
