"""The parts of the source `athena`, and of `replay athena-ddl`."""
