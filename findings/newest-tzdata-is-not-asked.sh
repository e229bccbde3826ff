#!/bin/sh
# The newest `tzdata` is installed, and zoneinfo does not ask it.
#
# Versions: tzdata 2025.2 and 2026.6 from PyPI, CPython 3.11.7. Seen on 27 November 2026.
#
# zoneinfo takes the first table on its search path that has the name, usually the operating system's, and comes to the
# package tzdata only when none has it. So `pip install -U tzdata` changes nothing on a machine that has
# /usr/share/zoneinfo, however old that is; here a folder with the table of 2025b stands for it. Since Morocco gave up
# UTC+01:00 on 20 September 2026, both tables are valid, both are found without a warning, and midnight differs:
#
#   search path                  tzdata    offset of Africa/Casablanca on 2026-11-28
#   empty                        2025.2    +01:00
#   empty                        2026.6    +00:00
#   a folder with 2025b first    2026.6    +01:00   <- the newest is installed
#   the same, reset_tzpath(())   2026.6    +00:00
#
# Why it matters here: due dates and the ends of trials are midnights where the customer is. core/__init__.py resets the
# search path, and a system check refuses a start on a table that is older than the pin.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
for version in 2025.2 2026.6; do
    "$python" -m pip install -q --disable-pip-version-check --no-deps --target "$folder/$version" "tzdata==$version"
done

offset() { # search path, version, what to do before
    PYTHONTZPATH=$1 PYTHONPATH=$folder/$2 "$python" -c "
import zoneinfo
from datetime import datetime
$3
print(datetime(2026, 11, 28, tzinfo=zoneinfo.ZoneInfo('Africa/Casablanca')).strftime('%z'))"
}

old_table=$folder/2025.2/tzdata/zoneinfo
seen="$(offset '' 2025.2 '') $(offset '' 2026.6 '') $(offset "$old_table" 2026.6 '')"
seen="$seen $(offset "$old_table" 2026.6 'zoneinfo.reset_tzpath(())')"
if [ "$seen" != "+0100 +0000 +0100 +0000" ]; then
    echo "changed: $seen instead of +0100 +0000 +0100 +0000" >&2
    exit 1
fi
echo "ok: tzdata 2026.6 is installed, and Casablanca is at +01:00 by the older table on the search path"
