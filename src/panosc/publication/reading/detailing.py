"""What is in a record: parameters, samples and files, for those who may see its detail."""

from typing import Any, Final

from panosc.domain.pid import pid_path
from panosc.publication import identifiers
from panosc.publication.reading.describing import plain
from panosc.publication.reading.store import Found
from panosc.publication.record import Address, Detail, File, Parameter, Sample

_HDF5: Final = frozenset({"nexus", "hdf5", "openpmd", "xfel", "ill"})
_HDF5_NAMES: Final = (".nxs", ".h5", ".hdf5", ".hdf", ".nx")
_MEDIA: Final = {
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".json": "application/json",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".dat": "text/plain",
    ".zip": "application/zip",
}


def detail(row: Any, found: Found, address: Address) -> Detail:
    """Return what is in a dataset."""
    files = found.files.get(row.id, [])
    below = f"/datasets/{pid_path(row.pid)}/-/download"
    return Detail(
        parameters=parameters(row, found),
        samples=tuple(
            Sample(
                pid=plain(item.pid),
                name=plain(item.name) or None,
                description=plain(item.description) or None,
            )
            for item in found.samples.get(row.id, [])
        ),
        files=tuple(
            File(
                name=plain(item.name),
                size=item.size,
                sha256=item.sha256,
                media_type=_media_type(item.format, item.name),
                url=address(f"{below}?{identifiers.query([('file', item.name)])}"),
            )
            for item in files
        ),
        file_count=files[0].count if files else 0,
        definition=row.definition,
    )


def parameters(row: Any, found: Found) -> tuple[Parameter, ...]:
    """Return the parameters of a record that have a value."""
    return tuple(
        Parameter(
            name=plain(item.name),
            value=plain(item.value_text) if item.value_number is None else item.value_number,
            unit=plain(item.unit) or None,
            path=plain(item.path) or None,
        )
        for item in found.parameters.get(row.id, [])
        if not (item.value_number is None and item.value_text is None)
    )


def _media_type(form: str | None, name: str) -> str:
    lowered = name.lower()
    if form in _HDF5 or lowered.endswith(_HDF5_NAMES):
        return "application/x-hdf5"
    ending = lowered[lowered.rfind(".") :] if "." in lowered else ""
    return _MEDIA.get(ending, "application/octet-stream")
