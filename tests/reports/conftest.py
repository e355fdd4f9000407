from tests.cli.conftest import _steady, orders, project, replay_

__all__ = ["_steady", "orders", "project", "replay_"]
