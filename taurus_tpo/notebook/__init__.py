"""IPython, ITango and Jupyter: what ``%load_ext taurus_tpo`` adds to a shell.

Only :mod:`~taurus_tpo.notebook.extension` and what it imports use IPython.
"""
