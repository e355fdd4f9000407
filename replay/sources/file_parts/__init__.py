"""What lies in files: contents packed or plain, and the forms in which other tools save events and messages."""
