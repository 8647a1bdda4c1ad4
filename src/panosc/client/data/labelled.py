"""Arrays as xarray and dask have them: values are read when they are used, not before."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from panosc.client.data import nxdata, optional
from panosc.domain.errors import NotFound

if TYPE_CHECKING:
    from panosc.client.data.arrays import Array
    from panosc.client.data.groups import Group

_INDEX_BYTES = 64 * 2**20
"""An axis that is longer is left out of the labels: xarray reads it at once."""


def data_array(array: "Array") -> Any:
    """Return an array of xarray: dimensions and coordinates as NXdata names them."""
    xarray = optional.xarray()
    axes = nxdata.axes_of(array.wire, array.path, array.shape)
    labels = {
        name: found
        for name, along in axes.coordinates.items()
        if (found := _coordinate(array.beside(name), along, axes, array.shape)) is not None
    }
    name = array.path.rpartition("/")[2]
    return xarray.DataArray(
        _variable(array, axes.dims), coords=_fitting(labels, axes.dims), name=name
    )


def data_set(group: "Group") -> Any:
    """Return the signal of NXdata, and what else has its shape, with their axes.

    Raises
    ------
    NotFound
        If the group has no signal.
    """
    xarray = optional.xarray()
    named = [name for name in nxdata.signals(group.attrs) if name in group]
    if not named:
        raise NotFound(
            f"{group.path} of {group.wire.name} has no signal.", hint="Take one of its arrays."
        )
    first = data_array(group.array(named[0]))
    others = [name for name in group if name not in first.coords and name not in named]
    alike = [name for name in (*named[1:], *others) if group.shape_of(name) == first.shape]
    variables = {name: _variable(group.array(name), first.dims) for name in alike}
    return xarray.Dataset(
        {first.name: first.variable, **variables}, coords=first.coords, attrs=dict(group.attrs)
    )


def dask_array(array: "Array", chunks: Any) -> Any:
    """Return an array of dask that reads piece by piece."""
    dask = optional.dask_array()
    empty = optional.numpy().empty((0,) * array.ndim, dtype=array.dtype)
    return dask.from_array(Pieces(array), chunks=chunks, lock=False, meta=empty)


class Pieces:
    """An array that gives arrays of numpy whatever is asked of it, also single values."""

    def __init__(self, array: "Array") -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.ndim = array.ndim

    def __getitem__(self, key: Any) -> Any:
        """Read what is selected."""
        return self.array.read(key)

    def __dask_tokenize__(self) -> tuple[str, ...]:
        """Return what says which array of which version of a file it is."""
        return self.array.identity


def _variable(array: "Array", dims: tuple[str, ...]) -> Any:
    lazy = import_module("panosc.client.data.lazy")
    return optional.xarray().Variable(dims, lazy.lazily(array), attrs=_attributes(array.attrs))


def _coordinate(
    axis: "Array | None", along: tuple[int, ...], axes: nxdata.Axes, shape: tuple[int, ...]
) -> Any:
    """Return an axis, or None if it does not fit to its dimensions."""
    if axis is None or axis.is_empty or axis.nbytes > _INDEX_BYTES:
        return None
    dims = tuple(axes.dims[place] for place in along)
    wanted = tuple(shape[place] for place in along)
    if axis.shape == wanted:
        return _variable(axis, dims)
    is_edges = len(wanted) == 1 and axis.shape == (wanted[0] + 1,) and axis.dtype.kind in "iuf"
    if not is_edges:
        return None
    edges = axis.to_numpy(progress=False)
    told = _attributes(axis.attrs) | {"edges": f"centres of the {len(edges)} edges in {axis.path}"}
    return optional.xarray().Variable(dims, (edges[:-1] + edges[1:]) / 2, attrs=told)


def _fitting(labels: Mapping[str, Any], dims: tuple[str, ...]) -> dict[str, Any]:
    """Leave out what xarray would refuse: what has the name of a dimension and is not along it."""
    return {
        name: found for name, found in labels.items() if name not in dims or found.dims == (name,)
    }


def _attributes(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
