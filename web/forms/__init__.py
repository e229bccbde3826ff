"""Forms check the shape of input; the actions check everything else."""

from web.forms.base import PageForm

__all__ = ["PageForm"]
