"""One module a format. `statement.py` says what each of them gives."""
