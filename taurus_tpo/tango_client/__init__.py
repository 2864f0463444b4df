"""Devices, databases and subscriptions: the one place that calls PyTango."""
