-- name: give_back
-- Ready again, as if never claimed. `solo` is set and never cleared.
UPDATE engine_effect AS effect
SET state = 'ready', lease_until = NULL, solo = solo OR %(solo)s::bool
{still_held}
