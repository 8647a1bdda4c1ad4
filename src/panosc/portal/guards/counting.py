"""Counts the bytes of answers against the budget of whoever asked for them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panosc.policy import asking
from panosc.policy.budgets import Budgets

_STEP = 1 << 20


class Counting:
    """Tells the budgets of what was sent, a long answer while it is being sent."""

    def __init__(self, app: ASGIApp, *, budgets: Budgets) -> None:
        self._app = app
        self._budgets = budgets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] == "HEAD":
            await self._app(scope, receive, send)
            return
        sent = 0

        async def counted(message: Message) -> None:
            nonlocal sent
            # a part of a file that the system passes on is told by its length alone
            sent += message.get("count", 0) or len(message.get("body", b""))
            if sent >= _STEP:
                sent = self._tell(scope, sent)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            self._tell(scope, sent)

    def _tell(self, scope: Scope, sent: int) -> int:
        payer = asking.payer(scope)
        if payer is not None and sent:
            self._budgets.spend(payer, sent)
        return 0
