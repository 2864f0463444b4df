"""A window whose database hangs.

Those models of which it knows (``hung``) must come to life, all others (``alive``) must
be alive before it answers. Where it hangs ``later``, the first is subscribed to then.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from tests.programs.window_base import (
    TaurusForm,
    eventually,
    factory,
    hang,
    job,
    resume,
    run,
    timed,
    told,
)


def hang_later() -> None:
    # When the first is subscribed, while others are being made.
    eventually(lambda: any(is_subscribed()), "the first is there")
    hang()


def is_subscribed() -> list[bool]:
    return [attr.isUsingEvents() for attr in list(factory.tango_attrs.values())]


def widgets() -> list[Any]:
    return [item.readWidget() for item in form.getItems()]


form = TaurusForm()
if job.get("later"):
    threading.Thread(target=hang_later).start()
else:
    hang()
timed("window", form.setModel, job["hung"] + job["alive"])
form.show()
told["rows"] = len(form)
models = [item.getModelObj() for item in form.getItems()]
hung, alive = models[: len(job["hung"])], models[len(job["hung"]) :]
run(lambda: all(model.known.value for model in alive), "the others are alive")
# A call in which it hangs takes 15 s.
run(
    lambda: all(model.known.error or model.known.value for model in hung),
    "it is told",
    60.0,
)
errors = [model.known.error for model in hung if model.known.error]
told["errors"] = [error.args[0].desc for error in errors]
resume()
run(lambda: all(model.known.value for model in hung), "all come to life", 60.0)
run(lambda: all(model.isUsingEvents() for model in models), "subscribed", 60.0)
run(lambda: job["shown"] in widgets()[0].text(), "it is shown")
told["names"] = [model.getFullName() for model in models]
print(json.dumps(told))
