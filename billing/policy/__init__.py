"""Rules of what is agreed and owed: terms, charges, tax, interest, collection. Pure."""
