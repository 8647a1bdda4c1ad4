"""The site profile that a name or a file means."""

from panosc.ingest.profiles import Profile
from panosc.ingest.profiles.plain import PlainProfile
from panosc.settings import Settings


def profile_of(settings: Settings, name: str | None = None) -> Profile:
    """Return the profile of this name or file; None: the one of the settings."""
    return PlainProfile()
