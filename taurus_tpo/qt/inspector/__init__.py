"""The inspector: a table of what each attribute of the process does, and why."""
