"""What the two seams to the mocked AWS share: the hook in our own process, and the server for a child."""
