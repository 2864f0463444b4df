"""How long a panel takes to start, measured from outside.

``taurus tpo bench`` (:mod:`taurus_tpo.cli.bench`) runs it on anybody's facility.

========== =========================================================================
protocol   what a run is asked for, and what it tells
child      starts a run, hears what it tells, and surely ends it
census     counts the threads of a run, and gives it up when its time is over
watching   what is seen of Taurus, Qt and PyTango from outside
looking    what a run with a window and one without have in common
window     one run with a form: a process of its own
listening  one run without a window: a process of its own
discover   which attributes a program shows: a process of its own
survey     one run with nothing but PyTango: a process of its own
kinds      models without a network that make the widgets work as much
measure    the runs, in turn
hooks      what people have run around each of them
results    what was measured, and its medians
advice     which mode, which devices cost the most, which rules would help
report     what was measured as tables, and as a page for a browser
tables     a table of texts in a terminal, in HTML, Markdown and reStructuredText
plots      its pictures
machine    what it all ran on
========== =========================================================================
"""
