"""The profiles that come with the software, and the one that a site has chosen."""

import difflib
from pathlib import Path

from panosc.domain.errors import Invalid
from panosc.ingest.profiles.site import SiteProfile
from panosc.ingest.profiles.writing import profile_in
from panosc.settings import Settings

EXAMPLES = Path(__file__).with_name("examples")


def names() -> list[str]:
    """Return the names of the shipped profiles."""
    return sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


def shipped(name: str) -> Path:
    """Return the file of a shipped profile.

    Raises
    ------
    Invalid
    """
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"; did you mean {close[0]}" if close else ""
        raise Invalid(
            f"There is no profile “{name[:80]}”{meant}.",
            field="profile",
            hint=f"Give a file, or one of {', '.join(known)}.",
        )
    return EXAMPLES / f"{name}.yaml"


def path_of(settings: Settings, given: str | Path | None = None) -> Path:
    """Return the file of a profile by its name or path; without one, that of the setting.

    A path is looked for where the command runs, and then in the home.

    Raises
    ------
    Invalid
    """
    chosen = str(given or settings.profile)
    if "/" not in chosen and not chosen.endswith((".yaml", ".yml")):
        return shipped(chosen)
    path = Path(chosen).expanduser()
    for found in (path, settings.home / path):
        if found.is_file():
            return found
    raise Invalid(
        f"There is no file {path} with a profile.",
        field="profile",
        hint=f"Give a file, or one of {', '.join(names())}.",
    )


def profile_of(settings: Settings, given: str | Path | None = None) -> SiteProfile:
    """Return the profile by its name or path; without one, that of the setting `profile`.

    Raises
    ------
    Invalid
        If there is none, or with every fault that it has.
    """
    return profile_in(path_of(settings, given))
