"""The texts of a profile that are about paths: patterns, templates, where sources lie."""
