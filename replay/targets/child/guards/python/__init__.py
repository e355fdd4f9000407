"""The folder that is on the PYTHONPATH of a function's process."""
