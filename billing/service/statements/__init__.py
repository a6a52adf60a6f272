"""What the bank says, read from its files, matched with what is owed, and booked."""
