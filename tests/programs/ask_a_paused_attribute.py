"""Asks an attribute for its configuration while its server stands still."""

from __future__ import annotations

import json
import threading

import taurus

from tests.programs.window_base import hang, job, resume, told

hang()
attribute = taurus.Attribute(job["attribute"])
threading.Timer(2.0, resume).start()
told["size"] = attribute.max_dim_x if job["delegated"] else 0
told["unit"] = attribute.getAttributeInfoEx().unit
told["numeric"] = attribute.isNumeric()
print(json.dumps(told))
