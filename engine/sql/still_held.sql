-- piece: still_held
-- Of the rows that an update of engine_effect is about, those whose fence is still that of the holder.
FROM unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
WHERE effect.id = held.id AND effect.fence = held.fence AND effect.state IN ('leased', 'uncertain')
