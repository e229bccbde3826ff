"""The JSON door: parse, fetch, perform, answer."""
