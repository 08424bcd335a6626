"""Tools for those who work on causalopt: none of this is installed or shipped."""
