"""The parts of the `local` target: Lambda's Python runtime, and what it borrows of our process and gives back."""
