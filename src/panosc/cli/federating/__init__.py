"""Verbs about other catalogues."""
