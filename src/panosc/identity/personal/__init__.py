"""What the node keeps on a person: shown to them, taken along, erased, forgotten in time."""
