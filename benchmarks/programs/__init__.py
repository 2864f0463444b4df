"""The programs that are measured beside a form and listeners.

Each is a module that runs as a process of its own and carries out a
:class:`~taurus_tpo.bench.protocol.LookOrder`, with the plugin and without.

================ ===================================================================
designer         a window as people draw it in Qt Designer, with tabs
synoptic         a synoptic, drawn with JDraw
gui              a TaurusGui with forms in tabs
steady_form      a form whose values change: the CPU it uses
steady_listeners the same without a window
steady           the common part of both
start            ``taurus form``, from the start of its process on
started          the process that it starts
================ ===================================================================
"""
