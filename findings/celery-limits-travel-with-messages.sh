#!/bin/sh
# A Celery worker's own time limit does not hold for a task that a process with another limit has sent.
#
# Seen on 28 November 2026 with Celery 5.7.0, Python 3.11, on the filesystem transport, with a real worker of the prefork
# pool:
#   the sender's configuration says task_time_limit=2, the worker's says 60; the task sleeps for 4 s:
#       the worker kills it after 2 s, and its log says "Hard time limit (2s) exceeded"
#   the sender's says nothing: it runs to its end, and only then the worker's own limit counts
# The limits of the sender's configuration are written into the header `timelimit` of each message, whoever sends it, and
# the worker prefers them. So to give one worker longer limits, or all of them in a deploy, changes nothing for what older
# processes, the clock among them, go on sending; and nothing in the worker's banner or `inspect` shows it.
#
# Why it matters here: the lane `slow` has a worker with limits of its own. engine/worker/broker.py (`limits`) says them
# with each message, by its queue; tests/tasks/test_slow_worker.py holds it to that.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check celery==5.7.0 2>"$place/pip" || {
    cat "$place/pip"
    exit 1
}
mkdir "$place/queue" "$place/done"
cat >"$place/app.py" <<'PYTHON'
import os
import time
from pathlib import Path

from celery import Celery

PLACE = Path(os.environ["PLACE"])
app = Celery("finding", broker="filesystem://", set_as_current=True)
app.conf.update(
    broker_transport_options={name: str(PLACE / "queue") for name in ("data_folder_in", "data_folder_out")},
    control_folder=str(PLACE / "queue"),
    task_ignore_result=True,
    task_time_limit=int(os.environ["LIMIT"]) or None,
)


@app.task(name="sleep")
def sleep(seconds, name):
    (PLACE / "done" / f"{name}.began").touch()
    time.sleep(seconds)
    (PLACE / "done" / name).touch()
PYTHON
cd "$place"
export PLACE="$place" PYTHONWARNINGS=ignore
LIMIT=2 "$place/venv/bin/python" -c 'import app; app.sleep.delay(4, "sent-with-2")'
LIMIT=0 "$place/venv/bin/python" -c 'import app; app.sleep.delay(4, "sent-without")'
LIMIT=60 "$place/venv/bin/celery" --app app worker --pool prefork --concurrency 2 --without-gossip --without-mingle \
    --loglevel INFO >"$place/log" 2>&1 &
worker=$!
waited=0
while [ "$waited" -lt 45 ] && ! { grep -qs "Hard time limit" "$place/log" && [ -e "$place/done/sent-without" ]; }; do
    sleep 1
    waited=$((waited + 1))
done
kill "$worker" 2>/dev/null && wait "$worker" 2>/dev/null || true
grep -o "Hard time limit ([0-9.]*s) exceeded" "$place/log" | sort -u
if [ -e "$place/done/sent-with-2.began" ] && [ ! -e "$place/done/sent-with-2" ] && [ -e "$place/done/sent-without" ]; then
    echo "ok: Celery 5.7.0 kills after the sender's 2 s what the worker's own limit of 60 s would let run"
else
    tail -n 20 "$place/log"
    ls "$place/done"
    exit 1
fi
