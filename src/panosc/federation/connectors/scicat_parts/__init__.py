"""How SciCat is asked, what its records mean, and what it can be asked for."""
