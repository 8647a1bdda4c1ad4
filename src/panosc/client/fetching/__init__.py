"""Files of a dataset onto this machine: whole, checked, or not at all."""
