"""The operator's command `portal`: starts the parts, and asks them about their state."""
