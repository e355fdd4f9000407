"""What the lines of logs look like, one form a file: pure parsing, whoever reads the objects."""
