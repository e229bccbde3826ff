"""The folder of the sockets: there while it is used, and no longer."""

from __future__ import annotations

import os
import shutil

from stack.sockets import runtime_folder


def test_the_folder_of_a_killed_stack_is_removed_by_a_later_one():
    with runtime_folder() as ours:
        abandoned = ours.with_name(f"{ours.name}-killed")
        shutil.copytree(ours, abandoned)
        for folder in (ours, abandoned):
            os.utime(folder, (0, 0))

        with runtime_folder():
            assert ours.exists()
            assert not abandoned.exists()
