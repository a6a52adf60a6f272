"""Use cases of ending a contract: quote, file, decide, buy out, take effect."""
