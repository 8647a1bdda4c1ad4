"""What harvesters, search engines and registries ask of the node as a whole."""
