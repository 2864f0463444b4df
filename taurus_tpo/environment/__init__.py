"""What this process runs in: Taurus's version and settings, and the command line.

Nothing here takes the ``tango`` scheme: what only looks (``taurus tpo explain``, the
options of ``taurus``) may import it.
"""
