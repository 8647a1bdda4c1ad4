"""Arrays of a node inside of xarray. Imported when `to_xarray` is called, for it loads xarray."""

from typing import TYPE_CHECKING, Any

from xarray.backends import BackendArray
from xarray.core import indexing

if TYPE_CHECKING:
    from panosc.client.data.arrays import Array


class Backend(BackendArray):
    """Reads what xarray selects; what a node cannot select is taken out of the range around it."""

    def __init__(self, array: "Array") -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read it."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self.array.read
        )


def lazily(array: "Array") -> indexing.LazilyIndexedArray:
    """Return an array that is read when its values are used."""
    return indexing.LazilyIndexedArray(Backend(array))
