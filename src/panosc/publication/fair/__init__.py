"""How findable, accessible, interoperable and reusable records are, and what would mend them."""
