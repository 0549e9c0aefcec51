"""The cases of make_compat.py, one module for each library."""
