"""The verbs: what may be asked, and what follows."""
