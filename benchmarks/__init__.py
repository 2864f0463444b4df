"""How long a Taurus window waits for the network: the plugin and stock Taurus, in turn.

``python -m benchmarks`` (or ``make benchmark``) runs all of it on the real facility of
:mod:`taurus_tpo.sim`; ``python -m benchmarks --help`` tells how to run a part.

=============== ====================================================================
facilities      what a facility consists of, as data, and its TOML
cases           the facilities that are measured, and the limits of each
protocol        what a run is asked for, and what it tells
form            one run with a window: a process of its own
reads           one run without a window: a process of its own
census          counts the threads of a run, and gives it up when its time is over
child           starts a run, hears what it tells, and surely ends it
trouble         hangs servers, and starts those that are late
runner          the runs of a case, in turn
results         what was measured, as JSON lines, and its medians
verdict         the limits, met or not
report          results as tables: for a terminal, and for the documentation
machine         what it all ran on
command         the command line
=============== ====================================================================
"""
