"""Who is asking: sign-in, sessions, tokens, groups. What they may do is `policy`."""
