"""Use cases around partners, their people and their customers."""
