"""Writing the index: one generation (`generation`), a new one (`building`), what is told of it.

Who does it, and when, is `search.index.following`.
"""
