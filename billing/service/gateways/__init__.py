"""Where invoices are paid online: one port, and who stands behind it."""
