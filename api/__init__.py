"""The JSON API: parse, fetch, perform, answer."""
