"""Tables of other catalogues: who they are, what they answered, how they do."""
