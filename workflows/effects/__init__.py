"""Plain functions, one debt each; `workflows.billing` says when they arise."""
