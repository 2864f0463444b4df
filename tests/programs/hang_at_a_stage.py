"""Opens a form in the midst of which the server hangs; closes it while it hangs."""

from __future__ import annotations

import gc
import json

import taurus

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

form = TaurusForm()
timed("window", form.setModel, job["before"])
if job["stage"] == "answered":
    # The devices are known, nothing of them is subscribed to.
    attributes = [taurus.Attribute(name) for name in job["after"]]
elif job["stage"] == "shown":
    timed("window", form.addModels, job["after"])
    run(lambda: have_values(job["before"] + job["after"]), "all is shown")
hang()
if job["stage"] != "shown":
    timed("window", form.addModels, job["after"])
form.show()
told["rows"] = len(form)
watch = Stopwatch()
run(lambda: have_values(job["well"]), "the neighbor is shown")
told["well"] = watch.seconds
more = TaurusForm()
timed("window", more.setModel, job["more"])
more.show()
watch = Stopwatch()
run(lambda: have_values(job["more"]), "the next window is shown")
told["more"] = watch.seconds
if job["closed"]:
    timed("closing", form.setModel, [])
    timed("closing", form.close)
    form.deleteLater()
    del form
    timed("closing", gc.collect)
    run(lambda: watch.seconds > 0.5, "")
    form = TaurusForm()
    timed("window", form.setModel, job["before"] + job["after"])
    form.show()
resume()
watch = Stopwatch()
run(lambda: have_values(job["before"] + job["after"]), "all is shown")
told["back"] = watch.seconds
told["texts"] = [row.readWidget().text() for row in form.getItems()]
form.setModel([])
print(json.dumps(told))
