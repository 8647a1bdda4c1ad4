"""Pages on the data of a dataset: looking at them, fetching them."""
