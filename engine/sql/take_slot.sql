-- name: take_slot
-- The row that marks the present slot of a schedule; none where another process has made it.
INSERT INTO engine_scheduledrun (schedule, slot)
VALUES (%(schedule)s, date_bin(%(every)s::interval, now(), 'epoch'))
ON CONFLICT DO NOTHING RETURNING id
