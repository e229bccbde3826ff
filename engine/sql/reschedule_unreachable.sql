-- name: reschedule_unreachable
-- The far side was not reached: no attempt is charged, and after a day it is dead. Spread over two seconds, so that a
-- far side that is back is not met by all at once.
UPDATE engine_effect AS effect
SET state = CASE WHEN now() > failing_since + %(give_up)s::interval THEN 'dead' ELSE 'waiting' END,
    lease_until = NULL, failing_since = coalesce(failing_since, now()),
    last_error = coalesce(%(error)s::text, nullif(last_error, ''), 'paused: its far side was not reached'),
    cause = coalesce(%(cause)s::text, cause),
    run_at = coalesce(%(until)s::timestamptz, now()) + random() * interval '2 seconds'
{still_held}
RETURNING effect.id, effect.fence, effect.state
