-- piece: expired_lease
-- A leased effect whose holder has died.
state = 'leased' AND {holder_died}
