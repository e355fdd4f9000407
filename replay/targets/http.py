"""The `http` target: a request to API Gateway, a function URL or a load balancer, as the event tells it."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from replay.delivery.attempt import Attempt, Reply
from replay.errors import ConfigurationError, InvalidEvent, TargetRefused
from replay.functions.function import Function
from replay.payloads.captures import Event
from replay.readers.clients import aws_session
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import Deployed, described
from replay.targets.guard_rails.destination import Destination, require_account_id
from replay.targets.guard_rails.one_place import AWS, Asked
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.guard_rails.this_machine import is_on_this_machine
from replay.targets.http_parts.answers import Told, told_by_answer
from replay.targets.http_parts.captured_request import CapturedRequest, captured_request
from replay.targets.http_parts.emulated_failure import emulated_failure
from replay.targets.http_parts.endpoint import endpoint_of_url
from replay.targets.http_parts.exchange import HttpResponse, exchange
from replay.targets.http_parts.failure_log import FailureLog
from replay.targets.http_parts.hosted_resource import hosted_resource
from replay.targets.http_parts.request_headers import Header
from replay.targets.http_parts.signing import signature_headers

_PATIENCE_S = 60.0
_PATIENCE_OF_URLS_S = 930.0
_TRIES = 5
_FIRST_PAUSE_S = 0.2
_NAME_IT = "its log tells how the function failed: name it in the target's section, function = NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions(DeployedOptions):
    """
    Where requests go.

    Attributes:
        url: Scheme, host, and what stands before every path, such as the stage: `https://HOST/STAGE`.
        auth: `iam` signs every request with SigV4.
        headers_from_environment: Headers to add, each with the environment variable that holds its value.
        function: The function behind it: needed for a function URL; its log tells how it failed, which HTTP does not.
        log_group: Where that function logs, if not in `/aws/lambda/FUNCTION`.
        log_wait_s: How long its log is waited for.
        timeout_s: How long an answer is waited for; by default 60 s, and 930 s behind a function URL.
        host: What the header `Host` says, on this machine only: emulators tell by it what a request is for.
    """

    url: str = ""
    auth: Literal["none", "iam"] = "none"
    headers_from_environment: Mapping[str, str] = field(default_factory=dict)
    function: str = ""
    log_group: str = ""
    log_wait_s: float = 20.0
    timeout_s: float | None = None
    host: str = ""


class HttpTarget(Deployed):
    """
    An API of API Gateway, a function URL, or a load balancer, at the url of the configuration.

    The event's request is sent there once more: method, path, query string, headers and body are the event's, host and
    credentials never are. Nothing is sent twice by itself, but where AWS said that it throttles.
    """

    name = "http"
    options = HttpOptions
    named_by: ClassVar[str] = "url"

    def __init__(self, function: Function, /, *, project: Path | None = None, **options: Any) -> None:
        del project
        self._function = function
        self._options: HttpOptions = self.options(**options)
        if not self._options.url:
            raise ConfigurationError(
                "where to?", where="the target http", hint='say it: url = "https://HOST/STAGE", or http:https://HOST'
            )
        self._endpoint = replace(endpoint_of_url(self._options.url), named=self._options.host)
        self._log: FailureLog | None = None
        self._lacks_error = False

    def __enter__(self) -> Self:
        """
        Check where it leads, and look whether others use the function, where its log shall tell how it failed.

        Raises:
            TargetRefused: It could hurt an account.
            AwsError: It could not be looked at.
        """
        super().__enter__()
        if self._options.function:
            name = self._options.function.rpartition(":function:")[2].partition(":")[0]
            group = self._options.log_group or f"/aws/lambda/{name}"
            self._log = FailureLog(
                lambda: self._clients("logs"),
                group,
                code=self._function.code,
                wait_s=self._options.log_wait_s,
                here=self._is_here,
            )
            self._log.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing: what was sent was sent."""
        self._log = None

    @property
    def described(self) -> HttpOptions:
        """The options that say where it is."""
        return self._options

    @property
    def takes_turns(self) -> bool:
        """Whether a log tells how the function failed: where two requests are under way, not which of them did."""
        return bool(self._options.function)

    @property
    def serves_many(self) -> bool:
        """An API or a load balancer finds the function by itself; a function URL is one function's."""
        return self._endpoint.hosting != "function-url"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is different from a local replay."""
        told = self._log.notes if self._log is not None else ()
        clock = "the clock of a deployed function is the real one" if self._function.clock == "captured" else ""
        return (*told, *filter(None, (clock, _NAME_IT if self._lacks_error else "")))

    def destination(self) -> Destination:
        """
        Ask AWS what is behind the url.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named, its connection is not encrypted, an
                emulator would say what it is, or nobody can tell.
            AwsError: It may not be looked at.
        """
        endpoint, target = self._endpoint, f"{self.name}:{self._options.url}"
        if self._is_here:
            return Destination(target=target, arn=endpoint.url, region=self._region, on_this_machine=True)
        if self._options.host:
            raise TargetRefused(
                "a name of its own in the header Host is for this machine only: nobody could tell where it leads",
                where=endpoint.url,
                expected="a url whose host is meant",
                hint="leave host out of the target's section",
            )
        require_account_id(target, self._options, arn=endpoint.url)
        if endpoint.scheme != "https":
            raise TargetRefused(
                "what leaves this machine is encrypted",
                where=endpoint.url,
                expected=f"https://{endpoint.authority}{endpoint.base_path}",
                hint="correct the url in the target's section",
            )
        found = hosted_resource(endpoint, self._clients, function=self._options.function, region=self._region)
        known = described(
            self._options,
            target=target,
            arn=found.arn,
            region=self._region,
            endpoint_url=endpoint.url,
            beside=self._beside,
            tags=found.tags,
        )
        return _with_account(known)

    def invoke(self, attempt: Attempt) -> Reply:
        """
        Send the event's request once.

        Raises:
            InvalidEvent: The event is no request, or one that leads out of the stage.
            TargetError: There was no answer, or AWS has answered by itself and not asked the function.
            AwsError: There are no credentials to sign with, or the function's log may not be read.
        """
        request = captured_request(Event(text=attempt.payload))
        if self._endpoint.base_path and request.climbs:
            raise InvalidEvent(
                f"the path of the event leads out of {self._endpoint.base_path}, which alone was checked",
                where="/path",
                expected="a path without .. that goes so far",
                hint="deliver it to the function itself: --target lambda:FUNCTION",
            )
        log = self._log
        if log is None:
            alone, _ = self._told(request)
            self._lacks_error = self._lacks_error or alone.lacks_error
            return alone.reply
        with log.watching() as sent:
            told, answer = self._told(request)
            if not told.lacks_error:
                return told.reply
            return sent.reply_behind(told.reply, request_id=_lambda_request_id(request, answer))

    def _told(self, request: CapturedRequest) -> tuple[Told, HttpResponse]:
        tries = 0
        while True:
            answer = self._sent(request)
            emulated = emulated_failure(answer, self._function.code) if self._is_here else None
            if emulated is not None:
                return Told(reply=emulated), answer
            told = told_by_answer(answer, request, where=self._endpoint.url)
            tries += 1
            if not told.throttled or tries == _TRIES:
                return told, answer
            time.sleep(_FIRST_PAUSE_S * 2 ** (tries - 1))

    def _sent(self, request: CapturedRequest) -> HttpResponse:
        endpoint = self._endpoint
        target = endpoint.base_path + request.target
        headers = (*_without(request.headers, self._added), *self._added)
        if self._options.auth == "iam":
            headers += signature_headers(
                endpoint, request.method, target, headers, request.body, session=self._session, region=self._region
            )
        return exchange(endpoint, request.method, target, headers, request.body, timeout_s=self._timeout_s)

    @property
    def _timeout_s(self) -> float:
        default = _PATIENCE_OF_URLS_S if self._endpoint.hosting == "function-url" else _PATIENCE_S
        return self._options.timeout_s or default

    @cached_property
    def _is_here(self) -> bool:
        return is_on_this_machine(self._endpoint.url)

    @cached_property
    def _added(self) -> tuple[Header, ...]:
        return tuple((name, _variable(variable)) for name, variable in self._options.headers_from_environment.items())

    @cached_property
    def _session(self) -> Any:
        return aws_session(region=self._region or None, profile=self._options.profile)

    @cached_property
    def _region(self) -> str:
        said = self._options.region or self._endpoint.region
        return said or str(aws_session(profile=self._options.profile).get_config_variable("region") or "us-east-1")

    @cached_property
    def _beside(self) -> Asked | None:
        """What answers at the url: beyond this machine an API, function or load balancer of AWS, or nothing is sent."""
        return None if self._is_here else Asked(f"the target {self.name}:{self._options.url}", self._endpoint.url, AWS)

    @cached_property
    def _clients(self) -> TargetClients:
        return TargetClients(replace(self._options, region=self._region), beside=self._beside)


def _with_account(known: Destination) -> Destination:
    return replace(known, arn=known.arn.replace("{account_id}", known.caller_account_id))


def _without(headers: Sequence[Header], others: Sequence[Header]) -> tuple[Header, ...]:
    names = {name.lower() for name, _ in others}
    return tuple(header for header in headers if header[0].lower() not in names)


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if value:
        return value
    raise ConfigurationError(
        f"the environment variable {name} is not set",
        where="headers_from_environment of the target http",
        hint=f"export {name}=…",
    )


def _lambda_request_id(request: CapturedRequest, answer: HttpResponse) -> str:
    """Give the id by which the function's log knows it: that of a function URL is Lambda's own, an API's is not."""
    return answer.header("x-amzn-requestid") if request.kind == "function_url" else ""
