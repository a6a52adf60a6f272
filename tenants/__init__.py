"""Who: partner organisations, their members and keys, their customers, contacts and locations."""
