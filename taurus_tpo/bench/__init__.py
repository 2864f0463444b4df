"""Measures how long a panel takes to start, without help of the code measured.

``taurus tpo bench`` (:mod:`taurus_tpo.cli.bench`) runs it on any facility.

========== =========================================================================
protocol   the orders of a run and the messages it sends
child      starts a run as a process, receives its messages, ends it
census     counts the threads of a run, and ends the run at its time limit
watching   instrumentation of Taurus, Qt and PyTango
looking    the common part of runs with and without a window
window     one run with a form, a process of its own
listening  one run without a window, a process of its own
discover   finds the attributes that a program shows, a process of its own
survey     one run with PyTango only, a process of its own
kinds      models without a network that cause the same work in the widgets
measure    all runs, one after the other
hooks      commands that the user wants to run around each run
results    the measured figures and their medians
advice     recommends a mode and rules, and finds the slowest devices
report     the results as tables and as an HTML page (``templates/report.html.j2``)
tables     a table of texts, in a terminal
plots      the pictures of the report
machine    description of the machine
========== =========================================================================
"""
