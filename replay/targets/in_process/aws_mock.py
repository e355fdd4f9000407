"""moto's AWS, exchanged as a whole: what one function's AWS holds is not there for anybody else."""

from typing import Any, NamedTuple

_active: list["AwsMock"] = []


class _Taken(NamedTuple):
    """
    What moto held of one service.

    `bucket_accounts` is what S3 keeps beside its accounts: whose a bucket is. Without it, S3 would look for ever for
    the bucket of an account that has gone.
    """

    backends: Any
    accounts: dict[str, Any]
    bucket_accounts: dict[str, Any]


class AwsMock:
    """
    moto, switched on between `resume` and `suspend`, with an AWS of its own.

    Where the caller has a `mock_aws` running (a pytest fixture with a table, say), that one is used instead, and left
    as it is: `shared` is True, and nothing is ever reset.
    """

    def __init__(self) -> None:
        self._mock: Any = None
        self._registry: Any = None
        self._own: list[_Taken] = []
        self._others: list[_Taken] = []
        self._session: Any = None
        self._others_session: Any = None
        self._marked: frozenset[str] | None = None
        self.shared = False

    def resume(self) -> None:
        """Let this AWS in."""
        import boto3
        from moto.core.models import botocore_stubber

        self.shared = botocore_stubber.enabled and not _active
        self._others_session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, self._session
        if not self.shared:
            self._others = _take_backends()
            self._start()
            _put_backends(self._own)
        _active.append(self)

    def suspend(self) -> None:
        """Put the AWS around it back."""
        import boto3

        _active.remove(self)
        if not self.shared:
            self._own = _take_backends()
            self._mock.stop(remove_data=False)
            _put_backends(self._others)
        self._session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, self._others_session

    def reset(self) -> None:
        """Empty this AWS."""
        from moto.core.base_backend import BackendDict
        from moto.core.model_instances import reset_model_data

        BackendDict.reset()
        reset_model_data()

    def is_marked(self) -> bool:
        """Say whether the AWS inside is the one that was last marked, and has not been emptied by anybody since."""
        return self._marked is not None and self._marked <= _accounts()

    def mark(self) -> None:
        """Remember the AWS inside, so that it is known again."""
        self._marked = _accounts()

    def _start(self) -> None:
        """
        Start moto's mock.

        Each start of moto registers 1,288 URL patterns for the `requests` library anew, which takes 2 ms. They are
        kept here, for as long as nobody else's mock has taken their place.
        """
        from moto.core.models import MockAWS, botocore_stubber, responses_mock

        # Credentials and session are exchanged by us.
        self._mock = MockAWS({"core": {"mock_credentials": False, "reset_boto3_session": False}})
        register = self._mock._enable_patching  # noqa: SLF001 - moto has no quicker way in

        def enable(*, reset: bool = True) -> None:
            if self._registry is not None and responses_mock.get_registry() is self._registry:
                botocore_stubber.enabled = True
                responses_mock.start()
            else:
                register(reset=reset)
                self._registry = responses_mock.get_registry()

        self._mock._enable_patching = enable  # noqa: SLF001 - the same
        self._mock.start(reset=True)


def _in_use() -> list[Any]:
    """Give moto's only list of what it holds: per service, a dict from account to what is in it."""
    from moto.core import base_backend

    return base_backend.BackendDict._instances  # type: ignore[misc]  # noqa: SLF001 - generic, and not public


def _take_backends() -> list[_Taken]:
    """Take everything out of moto."""
    taken = [_Taken(backends, dict(backends), dict(getattr(backends, "bucket_accounts", {}))) for backends in _in_use()]
    for each in taken:
        each.backends.clear()
        if each.bucket_accounts:
            each.backends.bucket_accounts.clear()
    _in_use().clear()
    return taken


def _put_backends(taken: list[_Taken]) -> None:
    for each in taken:
        each.backends.update(each.accounts)
        if each.bucket_accounts:
            each.backends.bucket_accounts.update(each.bucket_accounts)
        _in_use().append(each.backends)


def _accounts() -> frozenset[str]:
    """Give moto's identities of what is in it: they are new after each reset."""
    return frozenset(account._id for backends in _in_use() for account in backends.values())  # noqa: SLF001 - not public
