"""Asking all catalogues at once: nobody waits for the slowest, nobody vanishes silently."""
