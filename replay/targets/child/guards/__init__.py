"""What runs inside a function's process, before the function: nothing here is imported by `replay` itself."""
