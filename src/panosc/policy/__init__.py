"""The data policy: the decision `may` as a function and as SQL, and who is asking."""

from panosc.domain.access import may, may_do

__all__ = ["may", "may_do"]
