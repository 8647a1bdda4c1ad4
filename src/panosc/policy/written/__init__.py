"""The text of a policy document: read with care, every fault named with its line."""
