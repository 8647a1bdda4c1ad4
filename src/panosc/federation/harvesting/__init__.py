"""Harvest: what other catalogues hold, kept word for word, mapped, and brought into this one."""
