"""A window as any other."""

from __future__ import annotations

import json

from tests.programs.window_base import TaurusForm, job, plain, run, told

form = TaurusForm()
form.setModel(job["models"])
form.show()
models = [item.getModelObj() for item in form.getItems()]
run(lambda: all(model.known.value for model in models), "all values are there")
told["rows"] = len(form)
told["values"] = [plain(model.known.value) for model in models]
told["names"] = [model.getFullName() for model in models]
told["aliases"] = [model.getParentObj().getSimpleName() for model in models]
told["labels"] = [item.labelWidget().text() for item in form.getItems()]
print(json.dumps(told))
