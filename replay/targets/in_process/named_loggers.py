"""The settings of named loggers, which a function's modules change as they are imported."""

import logging
from typing import NamedTuple


class _Setting(NamedTuple):
    level: int
    handlers: tuple[logging.Handler, ...]
    filters: tuple[object, ...]
    propagate: bool
    disabled: bool


_PRISTINE = _Setting(logging.NOTSET, (), (), True, False)


class NamedLoggers:
    """
    Exchanges what a function has set in loggers other than the root with what was set before.

    A `NullHandler` stays where it is: installed packages add theirs once, when they are first imported.
    """

    def __init__(self) -> None:
        self._inside: dict[str, _Setting] | None = None
        self._outside: dict[str, _Setting] = {}

    def resume(self) -> None:
        """Let the function's settings in; before it has any, they are those around it."""
        self._outside = _settings()
        if self._inside is not None:
            _exchange(self._inside, present=self._outside)

    def suspend(self) -> None:
        """Put the settings around it back."""
        self._inside = _settings()
        _exchange(self._outside, present=self._inside)

    def forget(self) -> None:
        """Drop what the function has set."""
        _exchange(self._outside, present=_settings())


def _settings() -> dict[str, _Setting]:
    """Give the settings of each named logger that has any."""
    return {
        name: _setting(logger)
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
        and (logger.level or logger.handlers or logger.filters or not logger.propagate or logger.disabled)
    }


def _setting(logger: logging.Logger) -> _Setting:
    handlers = tuple(handler for handler in logger.handlers if type(handler) is not logging.NullHandler)
    return _Setting(logger.level, handlers, tuple(logger.filters), logger.propagate, logger.disabled)


def _exchange(wanted: dict[str, _Setting], *, present: dict[str, _Setting]) -> None:
    for name in wanted.keys() | present.keys():
        setting = wanted.get(name, _PRISTINE)
        if setting != present.get(name, _PRISTINE):
            logger = logging.getLogger(name)
            idle = [handler for handler in logger.handlers if type(handler) is logging.NullHandler]
            logger.handlers = [*idle, *setting.handlers]
            logger.filters = list(setting.filters)  # type: ignore[arg-type]  # they came from there
            logger.propagate, logger.disabled = setting.propagate, setting.disabled
            logger.setLevel(setting.level)
