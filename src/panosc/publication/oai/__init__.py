"""OAI-PMH 2.0: what harvesters may know of, kept beside the catalogue, and told page by page."""
