"""What a search finds, for programs and other tools: JSON, CSV, BibTeX, Atom."""
