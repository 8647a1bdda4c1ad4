"""The one tree of errors. How they look over HTTP is `portal.problems`; here is what they mean.

::

    PanoscError            code             HTTP  CLI exit
    ├── NotFound           not-found        404   1
    ├── Gone               gone             410   1
    ├── Unauthenticated    sign-in          401   1
    ├── Forbidden          forbidden        403   1
    │   ├── Embargoed      embargoed        403   1
    │   └── WrongScope     wrong-scope      403   1
    ├── Invalid            invalid          422   2
    │   └── BadFilter      bad-filter       400   2
    ├── Conflict           conflict         409   1
    ├── TooLarge           too-large        413   1
    ├── Misdirected        misdirected      421   2
    ├── Busy               busy             503   1
    ├── TooMany            too-many         429   1
    │   └── OverBudget     over-budget      429   1
    ├── Upstream           upstream         502   3
    ├── Unavailable        unavailable      503   1
    └── Unreadable         unreadable       422   2
        └── Unreachable    unreachable      502   3
"""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


class PanoscError(Exception):
    """Something went wrong that the caller can be told about.

    Parameters
    ----------
    detail : str
        What is wrong and where, in one sentence.
    hint : str, optional
        What to do next.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class NotFound(PanoscError):
    """Nothing has this name, or nothing that the caller may know of."""

    code = "not-found"
    title = "Not found"
    status = 404


class Gone(PanoscError):
    """It was here and has been withdrawn or erased."""

    code = "gone"
    title = "Withdrawn"
    status = 410


class Unauthenticated(PanoscError):
    """The caller has to sign in first; `reason` is what RFC 6750 calls a bad credential."""

    code = "sign-in"
    title = "Sign in"
    status = 401

    def __init__(self, detail: str, *, reason: str | None = None, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.reason = reason


class Forbidden(PanoscError):
    """The caller is known and may not do this."""

    code = "forbidden"
    title = "Not allowed"
    status = 403


class Embargoed(Forbidden):
    """The detail opens later."""

    code = "embargoed"
    title = "Under embargo"

    def __init__(self, detail: str, *, until: "datetime | None", hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.until = until


class WrongScope(Forbidden):
    """The credential is good, but not for this; `scope` says what it lacks."""

    code = "wrong-scope"
    title = "Not within the scope of this token"

    def __init__(self, detail: str, *, scope: str, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.scope = scope


class Invalid(PanoscError):
    """A value cannot be used; `field` says which one."""

    code = "invalid"
    title = "Not a usable value"
    status = 422
    exit_code = 2

    def __init__(self, detail: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.field = field


class BadFilter(Invalid):
    """A search filter is not one; `field` is the place in it, such as ``where.and[1].title``."""

    code = "bad-filter"
    title = "Not a usable filter"
    status = 400


class NotAcceptable(PanoscError):
    """The caller takes none of the forms that there are."""

    code = "not-acceptable"
    title = "Not in that form"
    status = 406


class Conflict(PanoscError):
    """Someone else holds it, or it is in a state that forbids this."""

    code = "conflict"
    title = "Conflict"
    status = 409


class TooLarge(PanoscError):
    """More than one answer or one file may hold; `limit` says how much that is."""

    code = "too-large"
    title = "Too large"
    status = 413

    def __init__(self, detail: str, *, limit: int, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.limit = limit


class Misdirected(PanoscError):
    """The request came under a name that is not one of this node."""

    code = "misdirected"
    title = "Not the name of this node"
    status = 421
    exit_code = 2


class Busy(PanoscError):
    """It took too long or too many ask at once; worth trying again after `retry_after` seconds."""

    code = "busy"
    title = "Busy"
    status = 503

    def __init__(self, detail: str, *, retry_after: int = 5, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after = retry_after


class TooMany(PanoscError):
    """One caller asks too often; worth trying again after `retry_after` seconds."""

    code = "too-many"
    title = "Too many requests"
    status = 429

    def __init__(self, detail: str, *, retry_after: int, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after = retry_after


class OverBudget(TooMany):
    """The share of this class of users is used up for now."""

    code = "over-budget"
    title = "Over budget"


class Upstream(PanoscError):
    """Another catalogue or service failed us; `provider` says which."""

    code = "upstream"
    title = "Another service failed"
    status = 502
    exit_code = 3

    def __init__(self, detail: str, *, provider: str, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.provider = provider


class Unavailable(PanoscError):
    """A part of this node, such as its database, cannot be started or reached."""

    code = "unavailable"
    title = "Not available"
    status = 503


class Unreadable(PanoscError):
    """A file cannot be read as what it claims to be; `reason` is a stable word for it."""

    code = "unreadable"
    title = "Unreadable file"
    status = 422
    exit_code = 2

    def __init__(self, detail: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.reason = reason


class Unreachable(Unreadable):
    """The storage that holds a file cannot be read from; the file itself may be well."""

    code = "unreachable"
    title = "Storage not reachable"
    status = 502
    exit_code = 3

    def __init__(self, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail, reason="not-reachable", hint=hint)
