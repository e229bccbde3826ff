-- piece: holder_died
-- A holder has died when its lease is over, or when the database session that took the lease has ended: a session that
-- we may see (the start of another role's is hidden) and that a lease names (a pooler's is not named). A lease that
-- begins in the future was taken before the clock was set back, so its end means nothing.
(lease_until < now() OR lease_until - {lease_length} > now() + interval '{lease}'
    OR lease_pid IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_stat_activity AS session
    WHERE session.pid = effect.lease_pid
        AND coalesce(session.backend_start < effect.lease_until - {lease_length}, true)))
