"""The node as a whole, for whoever collects many: sitemap, catalogue, descriptions of it."""
