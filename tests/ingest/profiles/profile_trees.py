"""Trees of files, and what a profile makes of them: place → names of its files."""

from pathlib import PurePosixPath

from panosc.ingest.profiles.shipped import shipped
from panosc.ingest.profiles.writing import profile_in


def of(name):
    """A shipped profile."""
    return profile_in(shipped(name))


def profile(folder, text, name="site.yaml"):
    """The profile that a text makes, in a folder of its own."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return profile_in(path)


def match(profile, path):
    return profile.match(PurePosixPath(path))


def told(profile, path):
    found = match(profile, path)
    assert found is not None, profile.explain(PurePosixPath(path))
    return profile.told(found)


def places(profile, root, paths):
    """Place → (rule, names), and the files that are left alone."""
    found, alone = {}, []
    for path in paths:
        one = match(profile, f"{root}/{path}")
        if one is None:
            alone.append(path)
        else:
            rule, names = found.setdefault(
                one.place.key.removeprefix(root).strip("/"), (one.rule.name, [])
            )
            assert rule == one.rule.name
            names.append(one.name)
    return found, alone
