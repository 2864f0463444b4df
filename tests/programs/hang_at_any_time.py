"""Opens a form again and again; each time the server hangs a little later."""

from __future__ import annotations

import gc
import json
import threading

from tests.programs.window_base import (
    Stopwatch,
    TaurusForm,
    hang,
    have_values,
    job,
    resume,
    run,
    timed,
    told,
)


def open_and_close(delay: float) -> None:
    """Open a form, and close it: the server hangs while either is done.

    :param delay: when it hangs, s.
    """
    timer = threading.Timer(delay, hang)
    form = TaurusForm()
    timer.start()
    timed("window", form.setModel, job["models"])
    form.show()
    run(lambda: not timer.is_alive(), "it hangs")
    watch = Stopwatch()
    run(lambda: have_values(job["well"]), "the neighbor is shown")
    told["well"] = max(told.get("well", 0.0), watch.seconds)
    resume()
    watch = Stopwatch()
    run(lambda: have_values(job["models"]), "all is shown")
    told["back"] = max(told.get("back", 0.0), watch.seconds)
    timer = threading.Timer(delay, hang)
    timer.start()
    timed("closing", form.setModel, [])
    timed("closing", form.close)
    form.deleteLater()
    del form
    timed("closing", gc.collect)
    run(lambda: not timer.is_alive(), "it hangs")
    resume()


for delay in job["delays"]:
    open_and_close(delay)
print(json.dumps(told))
