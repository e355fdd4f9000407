"""Capture the event that poisoned your queue, replay it locally as AWS would deliver it, and keep it fixed."""
