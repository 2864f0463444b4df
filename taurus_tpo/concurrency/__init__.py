"""Threads and queues, which know nothing of Tango, Taurus or Qt."""
