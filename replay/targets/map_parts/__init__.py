"""A Distributed Map over a corpus in S3: its definition, what is made for it, and its results."""
