"""Ending a service: notice, dates, buyout, quote, approval, effect."""
