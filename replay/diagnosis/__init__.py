"""What is misconfigured, and how to mend it: every check looks, none changes anything."""
