"""What may be fetched of datasets, in figures, and the selection that a browser carries."""
