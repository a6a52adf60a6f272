"""Ending services, one question per page: each answer is kept, one may leave and come back, and nothing is filed before the last page."""
