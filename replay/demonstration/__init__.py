"""The whole loop on an embedded AWS: what `replay demo` does, and the first thing a new user sees."""
