"""Questions and answers, kept by editors, read by those they are meant for."""
