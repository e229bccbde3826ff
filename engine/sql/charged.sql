-- piece: charged
-- An effect that ran alone is charged with a crash, unless the database went down and ended all sessions.
(solo AND (lease_until < now() OR pg_postmaster_start_time() < lease_until - {lease_length}))
