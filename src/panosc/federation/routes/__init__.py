"""Other catalogues over HTTP: the federated search API, streams, who is asked."""
