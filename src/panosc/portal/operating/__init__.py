"""How a node of several web processes is run: what they share, numbers, ids, health."""
