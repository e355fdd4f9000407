"""Looking up what redaction took out, at its source: for one run, in memory only."""
