-- name: take_moment
-- The next free moment of a rate, if it is near enough, in seconds from now; the one after it moves. A free moment that
-- is too far ahead is of a clock set back, or of an older rate, and counts as now.
INSERT INTO engine_throttle AS throttle (name, free_at, rate)
VALUES (%(name)s::text, clock_timestamp() + %(every)s::interval, '')
ON CONFLICT (name) DO UPDATE SET free_at = %(every)s::interval + CASE
        WHEN throttle.free_at < clock_timestamp() + %(furthest)s::interval
        THEN greatest(throttle.free_at, clock_timestamp()) ELSE clock_timestamp() END
    WHERE throttle.free_at IS NULL OR throttle.free_at <= clock_timestamp() + %(within)s::interval
        OR throttle.free_at >= clock_timestamp() + %(furthest)s::interval
RETURNING extract(epoch FROM free_at - %(every)s::interval - clock_timestamp())::float
