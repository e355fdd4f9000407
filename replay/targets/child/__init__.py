"""What the `process` target is made of: a child process, the Runtime API that serves it, and the AWS that it meets."""
