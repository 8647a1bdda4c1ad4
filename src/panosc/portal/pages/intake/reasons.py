"""What the words for troubles of files mean, and what to do about them; `docs/ingest.md` has more.

A word that is not here, such as one of a plug-in, stands for itself.
"""

from typing import NamedTuple


class Advice(NamedTuple):
    """What a word means and what a data manager can do."""

    meaning: str
    todo: str


_COPY = "Copy it again from where it was written, or delete it."
_SIGNATURE = Advice(
    "Its name or beginning says HDF5, its content is something else.",
    "Give it the suffix of what it is, or copy it again.",
)
_READER = "See whether its own programs can read it. If they can, please report it to the makers."
ADVICE: dict[str, Advice] = {
    "empty": Advice("The file has no content.", _COPY),
    "bad-signature": _SIGNATURE,
    "hdf4": Advice("It is HDF4, which is not read.", "Convert it with h4toh5."),
    "truncated": Advice("The file is cut short.", _COPY),
    "damaged": Advice("Parts of the file are broken.", _COPY),
    "open-for-writing": Advice(
        "Its writer has not closed it.", "Nothing, if it is still being written. Else close it."
    ),
    "changing": Advice("It changed while it was read.", "Nothing: it is read again once it rests."),
    "too-large": Advice(
        "It says more of itself than a catalogue can hold.", "The rest of it was read."
    ),
    "too-many-objects": Advice("It has very many objects.", "The first of them were read."),
    "too-deep": Advice("It nests without end.", _READER),
    "time-limit": Advice("Reading it took too long.", "Try again when its disk is less busy."),
    "memory-limit": Advice("Reading it took too much memory.", _READER),
    "crashed": Advice("Reading it brought the reader down.", _READER),
    "failed": Advice("Reading it failed.", _READER),
    "not-openable": Advice(
        "The system does not let the node read it.",
        "Give the node's account the right to read it; the next run tries again.",
    ),
    "special-file": Advice("It is a pipe, socket or device.", "Move it out of the folder."),
    "missing-source": Advice(
        "A file that it needs is not there, so that part of the data is missing.",
        "Bring the file; the dataset is completed by the next run.",
    ),
    "dangling-link": Advice("A link in it leads nowhere.", "Bring what it leads to, or leave it."),
    "external-link": Advice(
        "A link leads out of the dataset's own files, and is not followed.",
        "Let the profile group the two files into one dataset.",
    ),
    "link-loop": Advice("Links in it lead in circles.", "Ask who writes these files."),
    "unknown-link": Advice("It has a link of an unknown kind.", "Ask who writes these files."),
    "virtual-dataset": Advice(
        "A virtual dataset leaves the dataset's own files.",
        "Let the profile group the files into one dataset.",
    ),
    "passed-over": Advice("It was not looked at.", "Nothing, if that was meant."),
    "broken-plug-in": Advice(
        "A plug-in could not be used.", "Ask the operator of this node to repair or remove it."
    ),
}


def advice(reason: str) -> Advice:
    """Return what a word means and what to do; nothing of a word that nobody knows."""
    return ADVICE.get(reason, Advice("", "Look at the detail; ask who writes these files."))
