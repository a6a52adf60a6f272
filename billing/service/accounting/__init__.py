"""Where issuers keep their books: one port, who stands behind it, and what is on its way there and back."""
