"""Decision logic of the plugin, as data and functions: no Tango, Taurus, Qt or threads.

Modes and their sources, settings, the lifecycle of an attribute as a table of
transitions, the value cache, server health, the cost of reads, and the scheduler.
"""
