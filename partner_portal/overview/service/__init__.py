"""What the pages across the domains ask: reads that join several domains' rows."""
