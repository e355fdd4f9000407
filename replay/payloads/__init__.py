"""What flows: exact JSON, AWS's envelopes, event patterns, and the values that several stations speak of."""
