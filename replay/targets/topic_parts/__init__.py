"""Parts of the `sns` target: its messages, and who gets them."""
