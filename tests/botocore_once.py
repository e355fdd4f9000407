"""
What botocore finds out anew for each session and client, found out once.

Making clients was a third of all the time that the tests take; what they do is the same.
"""

from functools import cache
from types import FunctionType
from typing import Any

import botocore.hooks
import pytest
from botocore.hooks import EVENT_ALIASES, EventAliaser
from botocore.loaders import create_loader
from botocore.session import Session


def share_what_botocore_knows(patch: pytest.MonkeyPatch) -> None:
    """Let all sessions have one loader of the services' data, one table of event names, and one look at each handler."""
    loader = cache(create_loader)

    def register_loader(session: Any) -> None:
        def shared() -> Any:
            found = loader(session.get_config_variable("data_path"))
            found.search_paths[:] = dict.fromkeys(found.search_paths)  # every session of boto3 adds its own once more
            return found

        session._components.lazy_register_component("data_loader", shared)

    patch.setattr(Session, "_register_data_loader", register_loader)
    look_at = botocore.hooks.accepts_kwargs
    look_once = cache(look_at)
    # Methods would keep their clients.
    patch.setattr(
        botocore.hooks, "accepts_kwargs", lambda it: look_once(it) if isinstance(it, FunctionType) else look_at(it)
    )
    make, names = EventAliaser.__init__, dict[str, str]()

    def make_with_names(aliaser: Any, event_emitter: Any, event_aliases: Any = None) -> None:
        make(aliaser, event_emitter, event_aliases)
        if aliaser._event_aliases == EVENT_ALIASES:
            aliaser._alias_name_cache = names

    patch.setattr(EventAliaser, "__init__", make_with_names)
