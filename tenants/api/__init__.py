"""What of tenants is spoken in JSON."""
