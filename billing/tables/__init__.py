"""What billing keeps: what is agreed (products, services and their terms), and what is owed (invoices and their lines)."""
