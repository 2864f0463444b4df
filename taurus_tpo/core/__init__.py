"""What the plugin decides, as data and functions: no Tango, Taurus, Qt or threads.

The modes and who chooses them, the settings, the lifecycle of an attribute as a table
of transitions, what is known of a value, of a server and of the cost of a read, and
which device is served next.
"""
