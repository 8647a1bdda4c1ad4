"""Datasets that somebody announces: by HTTP, or by messages of a broker.

What is announced is kept first (`register`) and worked on afterwards (`desk`), so that nothing is
lost by whatever ends the node between the two.
"""
