"""Use cases around what is agreed: services and their terms."""
