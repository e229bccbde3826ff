"""Processor time and memory from /proc, WAL and SQL from PostgreSQL."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import psycopg

TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """With all descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children[parent].append(int(stat.parent.name))
    found, todo = [], [root]
    while todo:
        found.append(pid := todo.pop())
        todo += children[pid]
    return found


def cpu(root: int) -> float:
    """Seconds, with living descendants and those it has reaped."""
    total = 0
    for pid in tree(root):
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, words[11:15]))  # utime stime cutime cstime
    return total / TICK


def memory(pid: int) -> float:
    """MB (RSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(pid)


def wal(db: psycopg.Connection) -> int:
    """Bytes."""
    row = db.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
    assert row is not None
    return int(row[0])


def statements(db: psycopg.Connection) -> int:
    """Of others than the superuser, transaction control included."""
    row = db.execute(
        """SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
           WHERE toplevel AND userid = 'countersign'::regrole"""
    ).fetchone()
    assert row is not None
    return int(row[0])
