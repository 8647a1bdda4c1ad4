"""What other catalogues answer, as records of this node's."""
