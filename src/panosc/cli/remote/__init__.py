"""What the command line needs to act at a node elsewhere: credentials and calls."""
