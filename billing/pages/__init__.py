"""Handlers that show pages, one module per surface; `routes.py` says which there are."""
