"""Verifies that redaction left the failure: replays an event with and without it, and finds what of it matters."""

from replay.verifier.project_fixtures import Verified, verify_fixtures

__all__ = ["Verified", "verify_fixtures"]
