"""Errors in the form that OAuth gives them. They are answers of the provider, not of the node."""


class RefusedError(Exception):
    """A request that the protocol says to refuse; `error` is the protocol's word for it."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class BadRequestError(Exception):
    """A browser came with something that must not be answered by a redirect; shown on a page."""
