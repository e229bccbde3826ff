"""Random customers and staff over years of days, while every law is checked: `manage.py simulate`.

`run` goes day after day; `habits` say how often which of the `verbs` is done; `scope` and `agreed` check the laws;
`story` replays what one customer did and shortens it.
"""
