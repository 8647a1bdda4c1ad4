"""The vocabulary of the field, pure: no input or output, no framework."""
