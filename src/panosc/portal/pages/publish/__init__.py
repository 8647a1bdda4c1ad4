"""Pages on which people publish: packages of datasets, and the queue of DOIs for stewards."""
