"""JSON handlers, one module per subject; `routes.py` says which there are."""
