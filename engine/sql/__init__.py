from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PLACE = re.compile(r"\{([a-z_]+)\}")

loaded: dict[str, set[str]] = {}  # by name, the texts that were made of it: what there is to EXPLAIN


def statement(name: str, **values: object) -> str:
    """The text of NAME.sql without its comments; to be called at import, since it reads files.

    {place}: one of `values`, which are names and numbers of our own, else the piece in the file of that name.
    """
    text = _filled(name, values)
    loaded.setdefault(name, set()).add(text)
    return text


def _filled(name: str, values: dict[str, object]) -> str:
    lines = (FOLDER / f"{name}.sql").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("--"))
    return PLACE.sub(lambda place: str(values[place[1]]) if place[1] in values else _filled(place[1], values), text)
