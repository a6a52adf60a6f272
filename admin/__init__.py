"""The provider's staff at work: a generated admin, a few named actions, and the work list of finance."""
