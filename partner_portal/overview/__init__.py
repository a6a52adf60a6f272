"""Pages that need several domains at once: the dashboard, customers with all that is theirs, search, the timeline."""
