"""What sending through a bucket consists of: the objects that an event speaks of, and who is told of them."""
