"""The environment of this process: version and settings of Taurus, the command line.

Importing this package does not claim the ``tango`` scheme, so code that only reads
(``taurus tpo explain``, the options of ``taurus``) may import it.
"""
