-- name: purged_until
-- Where the last purge was, or the end of the first day that has effects.
SELECT coalesce((SELECT max(slot) FROM engine_scheduledrun WHERE schedule = %s),
    (SELECT created_at + interval '1 day' FROM engine_effect ORDER BY id LIMIT 1))
