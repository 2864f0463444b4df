"""The inspector: a table with the mode and the state of each attribute."""
