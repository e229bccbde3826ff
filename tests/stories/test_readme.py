from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from stack.application import Application
from tests.stories.api_client import ApiClient

pytestmark = pytest.mark.xdist_group("stories")

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_s_walk_ends_with_an_active_account(application: Application, api: ApiClient):
    (walk,) = re.findall(r"<!-- walk -->\n```bash\n(.*?)```", README.read_text(), re.DOTALL)

    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", walk],
        env=os.environ | {"API": f"{application.url}/api/v1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[-4:] == ["succeeded", "active", "1000", ""]
