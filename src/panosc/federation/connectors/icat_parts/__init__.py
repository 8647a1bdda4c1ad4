"""What speaking with ICAT takes, be it by its own REST interface or by ICAT+."""
