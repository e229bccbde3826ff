-- piece: claimable
-- A row that this process may claim: of a kind and revision it knows, and in its order. IS TRUE lets the server look
-- these up in a hash without a join: there may be very many of an unknown kind, and each claim steps over them.
effect.state = 'ready'
AND ((effect.kind, effect.revision) IN (SELECT * FROM unnest(%(kinds)s::text[], %(revisions)s::smallint[]))) IS TRUE
AND NOT (effect.ordered AND EXISTS (
    SELECT FROM engine_effect AS earlier
    WHERE earlier.ordered AND earlier.object_id = effect.object_id AND earlier.machine = effect.machine
        AND earlier.seq < effect.seq AND earlier.state NOT IN ('done', 'skipped')))
{unless_stopped}
