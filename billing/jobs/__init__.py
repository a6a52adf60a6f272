"""What happens afterwards and by itself, one module per subject; `routes.py` says which there are."""
