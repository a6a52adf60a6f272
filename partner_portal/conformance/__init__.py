"""Cases with known answers, run against the portal's own rules."""
