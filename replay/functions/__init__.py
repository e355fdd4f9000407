"""What can be run: functions, their event sources and resources, read from templates and configuration."""
