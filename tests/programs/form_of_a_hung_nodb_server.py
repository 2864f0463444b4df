"""A form of two servers without a database, one of which hangs; then that is back."""

from __future__ import annotations

import json

import taurus

from tests.programs.window_base import (
    TaurusForm,
    hang,
    have_values,
    job,
    plain,
    resume,
    run,
    timed,
    told,
)

hang()
form = TaurusForm()
timed("window", form.setModel, job["hung"] + job["well"])
form.show()
told["rows"] = len(form)
run(lambda: have_values(job["well"]), "the other is shown")
hung = [taurus.Attribute(name) for name in job["hung"]]
run(lambda: all(attr.known.error for attr in hung), "the silence is told")
told["errors"] = [str(attr.known.error) for attr in hung]
resume()
run(lambda: have_values(job["hung"]), "all is shown")
told["values"] = [plain(taurus.Attribute(n).known.value) for n in job["hung"]]
form.setModel([])
print(json.dumps(told))
