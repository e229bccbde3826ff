"""Executes a command that cannot outlive its parent process.

`parent_death.py PARENT SIGNAL UID:GID COMMAND...` is a script rather than a `preexec_fn`, which may deadlock in a
process with threads. It also changes to another user (`-` keeps ours), who may not be able to read our interpreter.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent: str, signal: str, user: str, *command: str) -> None:
    if user != "-":
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, which would clear it. Other systems lack it: there a SIGKILL of the parent leaves
    # its children, and the next start stops a PostgreSQL that still runs on the data.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before we asked to be told
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
