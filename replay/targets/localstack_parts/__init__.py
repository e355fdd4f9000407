"""Parts of the `localstack` target: the template as it is deployed, the stack made of it, and the ways into it."""
