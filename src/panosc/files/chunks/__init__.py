"""Reading parts of arrays by an index: chunks are read and unpacked without the HDF5 library."""
