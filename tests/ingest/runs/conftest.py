"""Lets the tests of runs import the catalogue beside them."""
