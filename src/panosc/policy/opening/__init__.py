"""When data open under a policy: worked out for all datasets at once, in the database."""
