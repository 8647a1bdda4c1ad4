"""What records say as statements of RDF: DCAT-AP, CSMD, PaNET and PROV."""
