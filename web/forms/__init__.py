"""What people type: each form checks its shape, the actions below check everything else."""

from web.forms.base import PageForm

__all__ = ["PageForm"]
