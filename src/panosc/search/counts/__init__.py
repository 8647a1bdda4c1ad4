"""What is found in figures: facets, spreads of parameters, what dropping a filter would give."""
