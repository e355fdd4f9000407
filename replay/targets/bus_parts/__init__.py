"""What sending to a bus of EventBridge consists of: the entries, the rules that match them, and replays of archives."""
