"""Runs of the European XFEL: HDF5 files of one module or data aggregator each.

Every file of a run says the same of the run, and what it holds itself: its sources and trains.
The index of trains is read to count them; data never are. Which files are one run is told by
their paths, not here. Old files (format 0.5) say nothing of run, proposal and times.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from h5py import h5d

from panosc.files.careful import Careful
from panosc.ingest.formats import Facts, Quantity, Source, Specimen
from panosc.ingest.formats.values import words

FACILITY: Final = "European XFEL"
INSTRUMENTS: Final = frozenset({"FXE", "HED", "MID", "SCS", "SPB", "SQS", "SXP"})
"""Short names of instruments, with which the names of their sources begin."""
SOURCES: Final = 1_000
"""Sources of one file that are named."""
_LISTS: Final = (b"METADATA/dataSources/dataSourceId", b"METADATA/dataSourceId")
"""Where the sources are listed: since format 1.0, and before."""
_TRAINS: Final = b"INDEX/trainId"
_CORRECTED: Final = "CORR-"
"""How the names of files begin that come after measuring."""
_TEXTS: Final = {
    "data_format_version": b"dataFormatVersion",
    "daq_library": b"daqLibrary",
    "run_type": b"runType",
}
_NO_SAMPLE: Final = frozenset({"", "no sample", "none", "unknown"})


class XfelFormat:
    """Reads files of the European XFEL."""

    name = "European XFEL HDF5"
    order = 10

    def claims(self, source: Source) -> bool:
        """Whether the file has an index of trains and a list of sources."""
        if not source.opens_as_hdf5():
            return False
        file = source.hdf5()
        return isinstance(file.at(file.root, _TRAINS), h5d.DatasetID) and any(
            isinstance(file.at(file.root, path), h5d.DatasetID) for path in _LISTS
        )

    def read(self, source: Source) -> Facts:
        """Return what the file says; raise `Unreadable` when it is not readable HDF5."""
        file = source.hdf5()
        run, proposal = _text(file, b"runNumber"), _text(file, b"proposalNumber")
        sample = _text(file, b"sample") or ""
        sources = _sources(file)
        return Facts(
            format=self.name,
            title=f"Run {run} of proposal {proposal}" if run and proposal else None,
            start=_text(file, b"creationDate"),
            end=None if source.is_written else _text(file, b"updateDate"),
            probe="x-ray",
            is_reduced=source.path.name.startswith(_CORRECTED),
            instrument=_instrument(sources),
            facility=FACILITY,
            samples=() if sample.lower() in _NO_SAMPLE else (Specimen(name=sample),),
            parameters=tuple(_parameters(file, sources)),
            refusals=tuple(file.refusals),
            proposal=proposal,
            sources=_other_files(file),
            is_open=source.is_written,
        )


def _text(file: Careful, name: bytes) -> str | None:
    node = file.at(file.root, b"METADATA/" + name)
    value = file.value(node) if isinstance(node, h5d.DatasetID) else None
    return (words(value)[0] or None) if value else None


def _listed(file: Careful, path: bytes) -> list[str] | list[int]:
    node = file.at(file.root, path)
    return file.listed(node) if isinstance(node, h5d.DatasetID) else []


def _sources(file: Careful) -> dict[str, bytes]:
    """Return the sources by the names that users know, and where in the file each is.

    What an instrument source writes in several groups is one source: ``device:channel``.
    """
    path = next((path for path in _LISTS if file.at(file.root, path) is not None), _LISTS[0])
    found: dict[str, bytes] = {}
    for item in _listed(file, path):
        section, _, name = str(item).partition("/")
        if section == "INSTRUMENT":
            device, _, channel = name.partition(":")
            name = f"{device}:{channel.partition('/')[0]}"
        elif section != "CONTROL":
            continue
        if name not in found and len(found) >= SOURCES:
            file.refuse("too-many-parameters", f"only the first {SOURCES} sources were taken")
            break
        found.setdefault(name, f"{section}/{name}".encode())
    return found


def _instrument(sources: dict[str, bytes]) -> str | None:
    """Return the instrument whose sources are most; detectors speak before all others.

    What stands in a tunnel (XTD) serves several instruments, and says nothing.
    """
    for names in ([name for name in sources if _detector(name)], list(sources)):
        votes = Counter(
            parts[0]
            for parts in (name.partition("/")[0].split("_") for name in names)
            if parts[0] in INSTRUMENTS and not "".join(parts[1:2]).startswith("XTD")
        )
        if votes:
            return votes.most_common(1)[0][0]
    return None


def _detector(source: str) -> str | None:
    """Return the detector that a source such as ``SPB_DET_AGIPD1M-1/DET/0CH0:xtdf`` is of."""
    domain, _, rest = source.partition("/")
    return domain if rest.startswith("DET/") else None


def _parameters(file: Careful, sources: dict[str, bytes]) -> Iterator[Quantity]:
    for name, key in (
        ("proposal_number", b"proposalNumber"),
        ("run_number", b"runNumber"),
        *_TEXTS.items(),
    ):
        value = _text(file, key)
        if value is not None:
            yield Quantity(name=name, value=value, path=f"/METADATA/{key.decode()}")
    # the list is padded with zeros
    trains = [item for item in _listed(file, _TRAINS) if isinstance(item, int) and item]
    if trains:
        path = f"/{_TRAINS.decode()}"
        yield Quantity(name="train_count", value=len(trains), path=path)
        yield Quantity(name="first_train_id", value=min(trains), path=path)
        yield Quantity(name="last_train_id", value=max(trains), path=path)
    detectors: dict[str, bytes] = {}
    for name, place in sources.items():
        detector = _detector(name)
        if detector is not None:
            detectors.setdefault(detector, place)
    for kind, items in (("detector", detectors), ("data_source", sources)):
        for name, place in items.items():
            yield Quantity(name=kind, value=name, path=f"/{place.decode()}")


def _other_files(file: Careful) -> tuple[str, ...]:
    """Return the files of which an overview of a run is made."""
    return tuple(str(name) for name in dict.fromkeys(_listed(file, b".source_files/names")) if name)
