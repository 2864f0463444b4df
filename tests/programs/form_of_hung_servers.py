"""Opens a form of servers of which some hang until all rows have told so."""

from __future__ import annotations

import gc
import json
import os
import signal

import taurus

from tests.programs.window_base import (
    Stopwatch,
    TaurusForm,
    have_values,
    job,
    run,
    timed,
    told,
)
from tests.support.census import Census, plugin_threads


def errors_of(names: list[str]) -> list[str]:
    """Return the error of each attribute, once all have one."""
    attributes = [taurus.Attribute(name) for name in names]
    run(lambda: all(attr.known.error for attr in attributes), "the silence is told")
    return [str(attr.known.error) for attr in attributes]


with Census() as census:
    form = TaurusForm()
    timed("window", form.setModel, job["models"])
    form.show()
    watch = Stopwatch()
    told["rows"] = len(form)
    run(lambda: have_values(job["well"]), "those that are well are shown")
    told["well"] = watch.seconds
    told["errors"] = errors_of(job["hung"])
    for pid in job["pids"]:
        os.kill(pid, signal.SIGCONT)
    watch = Stopwatch()
    run(lambda: have_values(job["hung"]), "all is shown", 60)
    told["back"] = watch.seconds
    timed("closing", form.setModel, [])
    # Where Python destroys a form that is shown, parts of it may be the first: Taurus's
    # hideEvent() raises then, with stock Taurus, too.
    form.hide()
    del form
    gc.collect()
    run(lambda: not plugin_threads(), "threads end")
told["most"] = census.most
print(json.dumps(told))
