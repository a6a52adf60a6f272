"""The pages across the domains, one module per surface."""
