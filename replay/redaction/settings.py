"""`[tool.replay.redaction]`, and the key that pseudonyms are made with."""

import difflib
import os
import re
import secrets
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from replay.errors import ConfigurationError
from replay.redaction.national_ids import NATIONAL_IDS
from replay.redaction.presets import PRESETS
from replay.redaction.rules import ACTIONS, Rules, rules_of

KEY_VARIABLE = "REPLAY_REDACTION_KEY"
_KEY_BYTES = 32
_SINGLE = frozenset({"enabled", "presidio_model"})
_NAMES: Mapping[str, Collection[str]] = {"presets": PRESETS, "national_ids": NATIONAL_IDS, "phone_regions": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionSettings:
    """
    What to redact besides what the detectors find, and what to leave.

    `redact`, `hash`, `generalise`, `drop` and `keep` are lists of places: globs over key names (`customer_*`); where
    they begin with `/`, over JSON Pointers into the event (`#` steps into an encoded string:
    `/Records/*/body#/customer`); where they begin with `$`, JSONPaths (RFC 9535) over the event with what its strings
    hold parsed in its place. Each means all that is beneath as well; `keep` wins, then drop, generalise, hash, redact.

    `presets` are names of `presets.PRESETS`, `national_ids` of `national_ids.NATIONAL_IDS`, and `phone_regions` the
    countries whose own way of writing phone numbers is looked for. `presidio` are entities of Presidio, which is an
    extra, and `presidio_model` the model of spaCy that it looks with, if any. `key`, or what it gives when the first
    pseudonym is made, makes pseudonyms the same in every recording; without one they are the same within one recording.
    """

    enabled: bool = True
    redact: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    generalise: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    national_ids: tuple[str, ...] = ()
    phone_regions: tuple[str, ...] = ()
    presidio: tuple[str, ...] = ()
    presidio_model: str = ""
    key: bytes | Callable[[], bytes | None] | None = None

    @classmethod
    def read(cls, settings: Mapping[str, Any], *, key: bytes | Callable[[], bytes | None] | None = None) -> Self:
        """
        Read the mapping of `[tool.replay.redaction]`.

        Raises:
            ConfigurationError: A key that does not exist, or a value of another type.
        """
        known = {field.name for field in fields(cls)} - {"key"}
        for name, value in settings.items():
            where = f"[tool.replay.redaction] {name}"
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                raise ConfigurationError(
                    "there is no such setting",
                    where=where,
                    expected=f"one of {', '.join(sorted(known))}",
                    hint=f"did you mean {near[0]!r}?" if near else "remove it",
                )
            if name == "enabled" and not isinstance(value, bool):
                raise ConfigurationError("a setting has the wrong type", where=where, expected="true or false")
            if name == "presidio_model" and not isinstance(value, str):
                raise ConfigurationError("a setting has the wrong type", where=where, expected="the name of a model")
            if name not in _SINGLE and not _is_list_of_text(value):
                raise ConfigurationError("a setting has the wrong type", where=where, expected="a list of strings")
        given: dict[str, Any] = {name: value if name in _SINGLE else tuple(value) for name, value in settings.items()}
        for name, names in _NAMES.items():
            _check_names(name, given.get(name, ()), names)
        made = cls(key=key, **given)
        made.rules()
        return made

    def rules(self) -> Rules:
        """
        Give the rules about places.

        Raises:
            ConfigurationError: A JSONPath is none.
        """
        return rules_of({action: getattr(self, action) for action in ACTIONS}, self.presets)


def _check_names(setting: str, given: tuple[str, ...], names: Collection[str]) -> None:
    for name in given:
        known = name in names if names else re.fullmatch("[A-Z]{2}", name)
        if not known:
            near = difflib.get_close_matches(name, names, n=1)
            raise ConfigurationError(
                f"{name!r} is not known",
                where=f"[tool.replay.redaction] {setting}",
                expected=f"any of {', '.join(names)}" if names else 'countries by their two letters, such as "DE"',
                hint=f"did you mean {near[0]!r}?" if near else "",
            )


def project_key(root: Path) -> bytes | None:
    """
    Give the key of the project at *root*: REPLAY_REDACTION_KEY, or one made once and kept in `.replay/`, out of git.

    None where it can be neither read nor kept: then each recording has its own pseudonyms.

    Raises:
        ConfigurationError: The file of the key is empty, which would make everybody's pseudonyms guessable.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return os.fsencode(given)
    path = root / ".replay" / "redaction.key"
    try:
        key = path.read_bytes() if path.exists() else _made_key(path)
    except OSError:
        return None
    if not key.strip():
        raise ConfigurationError(
            "the key of this project's pseudonyms is empty",
            where=str(path),
            expected=f"{2 * _KEY_BYTES} hexadecimal digits, as a run of replay makes them where there is no file",
            hint=f"remove it, or put your team's key in its place: rm {shlex.quote(str(path))}",
        )
    return key


def _made_key(path: Path) -> bytes:
    """Make a key and keep it; of several processes that do it at once, all get the key of the first."""
    path.parent.mkdir(exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(_KEY_BYTES).encode())
        try:
            path.hardlink_to(beside)  # whole at once, and never in the place of another's
        except OSError:
            if not path.exists():  # not all file systems have links
                beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path.read_bytes()


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
