-- name: mark_in_flight
-- Before a call that must not be repeated; the lease stays, so that a sweep sees its holder die.
UPDATE engine_effect AS effect
SET state = 'uncertain'
{still_held}
