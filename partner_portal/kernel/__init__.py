"""Words every domain speaks: money, days, actors, errors. Pure."""
