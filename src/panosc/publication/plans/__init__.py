"""Data management plans of proposals, as machines read them (maDMP of RDA)."""
