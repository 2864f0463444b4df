"""Threads and queues, without Tango, Taurus or Qt."""
