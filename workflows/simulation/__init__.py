"""Random customers and staff over years of days, while every law is asked: `manage.py simulate`.

clock      the time of one database session, moved at will
database   a database made for this and dropped afterwards
world      the catalogue, the staff, the customers, and what was agreed with them
verbs      what people and staff may do, in one table by name
habits     how often they do it, by the state they are in
scope      the laws of `workflows.reporting.invariants`, asked of some accounts only
agreed     the laws that need the simulation's own memory of what was agreed
run        day after day; report: how often what was done, and what was found
story      what one customer did, replayed and shortened until nothing can be left out
"""
