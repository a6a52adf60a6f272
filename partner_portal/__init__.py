"""The application around the domains: kernel, infrastructure, web shell and the programs that compose them."""
