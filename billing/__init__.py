"""What is agreed and owed: products, services and their terms, invoices, payments."""
