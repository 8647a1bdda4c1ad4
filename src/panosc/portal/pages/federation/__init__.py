"""Pages about other catalogues: what they are, how they do, who told of a record."""
