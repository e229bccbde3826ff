-- name: lift_session_limits
-- The limits of a session are those of the other lanes; a slow effect is limited by its deadline.
SELECT set_config(name, %s::text, true)
FROM unnest('{idle_in_transaction_session_timeout,statement_timeout}'::text[]) AS name
