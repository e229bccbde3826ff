from __future__ import annotations

from importlib import import_module

import pytest


@pytest.mark.parametrize("package", ["core.models", "engine", "web.forms", "workflows.actions"])
def test_every_exported_name_exists(package):
    module = import_module(package)

    assert [name for name in module.__all__ if not hasattr(module, name)] == []
