-- piece: lost_call
-- A call that must not be repeated was under way when its holder died; `lease_until` is NULL once it has ended.
state = 'uncertain' AND {holder_died} AND lease_until IS NOT NULL
