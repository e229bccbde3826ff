"""E-mail: what each one says, how it is written, and how it reaches a mail server."""
