"""Parts of the `sqs` target: its messages, and who takes them."""
