"""Webhooks: endpoints of a partner's software, what is sent to them, and what became of it."""
