"""How fast the portal is, measured beside a floor in the same run: `portal bench`."""
