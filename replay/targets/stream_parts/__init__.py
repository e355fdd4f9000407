"""What putting records into streams consists of: items as DynamoDB takes them, writes, and their records."""
