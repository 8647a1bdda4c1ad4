"""A user at a node elsewhere: the verbs, the logins that are kept, the calls."""
