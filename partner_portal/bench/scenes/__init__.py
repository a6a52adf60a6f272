"""A world in which every page has something to show, made by the portal's own services and pages, for tests, pictures and measurements."""
