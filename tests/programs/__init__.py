"""Programs that tests start in processes of their own.

``tests/support/program_support.py`` starts them, as ``python -m tests.programs.NAME``.
Each is a script whose statements stand at the top of its module, so that what it makes
lives until Python ends. Where a program is about imports, forks or the end of a
process, the order of its statements is what is tested.

What several programs begin with is in the modules whose names end in ``_base``. To
import one of them is to begin: it makes the factory, or the application.
"""
