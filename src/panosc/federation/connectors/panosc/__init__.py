"""Parts of the connectors to the PaNOSC search API: of any provider, and of a node like this."""
