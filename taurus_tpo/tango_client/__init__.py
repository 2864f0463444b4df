"""Devices, databases and subscriptions: the layer that calls PyTango."""
