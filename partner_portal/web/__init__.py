"""The HTTP shell: who asks, how often, in which transaction, and what an answer looks like. Knows no domain."""
