"""What is in the HDF5 files of a dataset: groups, arrays, attributes, read as far as used."""
