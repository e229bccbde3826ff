-- name: missed_notifications
-- What is ready and no worker was told of; of those that must run alone a few, each for a worker of its own.
(SELECT id, solo FROM engine_effect WHERE state = 'ready' AND solo ORDER BY id LIMIT %(alone_at_once)s)
UNION ALL
(SELECT id, false FROM engine_effect
 WHERE state = 'ready' AND NOT solo AND {missed_notification} LIMIT %(at_once)s)
