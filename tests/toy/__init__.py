"""A product of one door: all that the engine can do, on a machine of two states, without a word of billing."""
