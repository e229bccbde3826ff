-- piece: lease_taken
-- Leases the rows of `taken` to this session. Behind a pooler pg_backend_pid() is not the pid we were told, and the
-- lease names no session.
UPDATE engine_effect AS effect
SET state = 'leased', fence = fence + 1, lease_until = now() + {lease_length},
    lease_pid = CASE pg_backend_pid() WHEN %(told_pid)s::int THEN %(told_pid)s::int END
FROM taken WHERE effect.id = taken.id RETURNING {columns}
