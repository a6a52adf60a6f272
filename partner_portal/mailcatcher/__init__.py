"""A mail server that keeps what it is given and shows it on a page: for the demo and the tests, on this machine only."""
