"""What stands in front of every route: who may call at all, how often, and with how much."""
