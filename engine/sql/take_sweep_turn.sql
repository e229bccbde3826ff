-- name: take_sweep_turn
-- One row: the process that updates it sweeps. A clock that was set back must not stop sweeping until it catches up.
INSERT INTO engine_scheduledrun AS tick (id, schedule, slot) VALUES (0, 'swept', now())
ON CONFLICT (id) DO UPDATE SET slot = now()
WHERE tick.slot <= now() - %(every)s::interval OR tick.slot > now() + %(every)s::interval
