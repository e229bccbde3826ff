"""Figures of the product on this machine, as ratios within one run."""
