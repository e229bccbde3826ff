"""Delimited text (CSV): a table, read by a profile that says what its columns are."""

from workflows.bank.readers.delimited.reader import NAME, VERSION, read, sniff

__all__ = ["NAME", "VERSION", "read", "sniff"]
