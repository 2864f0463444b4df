"""A window that is there until the end, while events come."""

from __future__ import annotations

from tests.programs.window_base import TaurusForm, job, run

form = TaurusForm()
form.setModel(job["names"])
form.show()
models = [item.getModelObj() for item in form.getItems()]
run(lambda: all(model.isUsingEvents() for model in models), "all subscribed")
