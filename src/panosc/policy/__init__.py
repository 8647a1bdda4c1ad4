"""The data policy: the decision `may` as a function and as SQL, and who is asking."""

from panosc.domain.access import may

__all__ = ["may"]
