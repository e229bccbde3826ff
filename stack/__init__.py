"""The whole stack on one machine, for people who have Python, make and git and nothing else.

Only the standard library is used. The product is known by its commands, its environment and its health addresses.
"""
