"""Commands about groups, accounts and tokens, on the node itself."""
