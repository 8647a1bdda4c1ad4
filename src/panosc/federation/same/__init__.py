"""Records of several catalogues that are the same thing: recognised, and shown as one."""
