"""Other catalogues: asked live, harvested, followed; one search over all of them."""
