-- name: record_unreachable
-- Counts a failure in a row to reach the far side of a kind; from the last that is allowed on, each pause is twice as
-- long as the one before.
INSERT INTO engine_circuitbreaker (kind, failures) VALUES (%(kind)s, 1)
ON CONFLICT (kind) DO UPDATE SET
    failures = engine_circuitbreaker.failures + 1,
    paused_until = CASE WHEN engine_circuitbreaker.failures + 1 >= {failures_to_open} THEN
        now() + make_interval(secs => least({longest_pause}, {first_pause}
            * 2 ^ least(engine_circuitbreaker.failures + 1 - {failures_to_open}, 20))) END
