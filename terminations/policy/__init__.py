"""Rules of ending a service: protection, dates, buyout, cost sheet, calendar. Pure."""
