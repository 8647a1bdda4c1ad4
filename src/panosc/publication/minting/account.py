"""The node's account at DataCite, as its settings say; a node without one has local PIDs."""

from dataclasses import dataclass

from pydantic import SecretStr

from panosc.domain.errors import Invalid, Unavailable
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A repository of DataCite, and where its DOIs lead."""

    url: str
    """Of the REST API, without a slash at the end."""
    name: str
    password: SecretStr
    prefix: str
    base_url: str

    def address(self, path: str) -> str:
        """Return where a path of this node is for everyone."""
        return f"{self.base_url}{path}"


def account_of(settings: Settings) -> Account | None:
    """Return the account; None for a node that has none.

    Raises
    ------
    Invalid
        If an account is named and something that it needs is not.
    """
    name = settings.datacite_account
    if name is None:
        return None
    if settings.base_url is None:
        raise Invalid(
            "A DOI leads to this node, whose public address is not known.",
            field="base_url",
            hint="Set `base_url` to the address under which everyone reaches the node.",
        )
    return Account(
        url=settings.datacite_url.rstrip("/"),
        name=name,
        password=_password(settings),
        prefix=settings.doi_prefix,
        base_url=settings.base_url.rstrip("/"),
    )


def needed(settings: Settings) -> Account:
    """Return the account of a node that is to register DOIs.

    Raises
    ------
    Unavailable
        If it has none.
    Invalid
    """
    found = account_of(settings)
    if found is None:
        raise Unavailable(
            "This node has no account at DataCite: its PIDs are stable, and local to it.",
            hint="Set `datacite_account` and `datacite_password_file`; `panosc doi stand-in` is "
            "for trying out.",
        )
    return found


def _password(settings: Settings) -> SecretStr:
    if settings.datacite_password is not None:
        return settings.datacite_password
    path = settings.datacite_password_file
    if path is None:
        raise Invalid(
            "The account at DataCite has no password.",
            field="datacite_password_file",
            hint="Write it into a file that only the node can read, and name the file here.",
        )
    try:
        return SecretStr(path.read_text("utf-8").strip())
    except (OSError, UnicodeError) as error:
        raise Invalid(
            f"The password of the account at DataCite cannot be read from {path}: "
            f"{getattr(error, 'strerror', None) or 'it is no text'}.",
            field="datacite_password_file",
            hint="Check the file and who may read it.",
        ) from None
