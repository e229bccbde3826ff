"""The nouns: what is true. The only room with tables, hence one migration history."""
