"""The arrays of HDF5 files as Zarr version 3: chunks are sent as they lie in the file."""
