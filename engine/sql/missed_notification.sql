-- piece: missed_notification
-- Due for longer than a notification takes; or due in the future, because the clock was set back.
run_at NOT BETWEEN now() - %(unheard)s::interval AND now() + %(unheard)s::interval
