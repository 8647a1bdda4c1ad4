"""How myMdC is asked, and what its records mean."""
