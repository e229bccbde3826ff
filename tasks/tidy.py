from __future__ import annotations

from engine.worker.app import app
from workflows.documents.alerts import warn_of_waiting_documents
from workflows.lifecycle.renewal_runs import begin_renewal_runs
from workflows.retention import run_hourly_cleanup
from workflows.security.history_chain import close_days


@app.task(ignore_result=True)
def tidy_up() -> None:
    # Each looks at its own rows whether it is time.
    begin_renewal_runs()
    run_hourly_cleanup()
    close_days()
    warn_of_waiting_documents()
