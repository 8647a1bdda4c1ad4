"""What a worker reads of each object of a file: attributes, type, and where its values lie."""
