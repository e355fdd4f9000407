"""What AWS, boto3 and the network say when they say no, in words that tell the user what to do now."""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from replay.errors import AwsError

_SIGN_IN = "sign in again (`aws sso login --profile NAME` or `aws login`), then run the same command"
_NOT_SIGNED_IN = (
    "set AWS_PROFILE or --profile, or sign in with `aws sso login`; "
    "for an emulator set AWS_ENDPOINT_URL and any AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
_WAIT = "run the same command again in a while, or with a lower --concurrency"
_REACH = "check the network, the region, --endpoint-url and AWS_ENDPOINT_URL; is the emulator running?"
_NOT_AUTHORIZED = re.compile(r"not authorized to perform: ([\w:*-]+)(?: on resource: (\S+))?")
_NAMES = "check the name, the region (--region, or the target's) and the account (--profile, AWS_PROFILE)"
_NOT_THERE = re.compile(r"NotFound|NoSuch|DoesNotExist|NonExistent")
_LONGEST_MESSAGE = 300


class _Words(NamedTuple):
    what: str
    hint: str


_ENDS_OF_CREDENTIALS = _Words("the AWS credentials have expired", _SIGN_IN)
_WRONG_CREDENTIALS = _Words("AWS does not know these credentials", _NOT_SIGNED_IN)
_DENIED = _Words("AWS denied access", "ask for the permission, or use another profile with --profile")
_THROTTLED = _Words("AWS is throttling our requests, and retries did not help", _WAIT)
_AILING = _Words("AWS could not answer, and retries did not help", _WAIT)

_BY_CODE = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
                    _ENDS_OF_CREDENTIALS),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
                     "InvalidAccessKeyId", "InvalidSignatureException", "InvalidToken", "AuthFailure",
                     "MissingAuthenticationToken", "IncompleteSignature"), _WRONG_CREDENTIALS),
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError",
                     "NotAuthorized", "Forbidden", "403"), _DENIED),
    **dict.fromkeys(("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
                     "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
                     "PriorRequestNotComplete", "KmsThrottled"), _THROTTLED),
    **dict.fromkeys(("InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable",
                     "ServiceUnavailableException"), _AILING),
}  # fmt: skip

_BY_EXCEPTION = {
    "NoCredentialsError": _Words("no AWS credentials were found", _NOT_SIGNED_IN),
    "PartialCredentialsError": _Words("the AWS credentials are incomplete", _NOT_SIGNED_IN),
    "CredentialRetrievalError": _Words("the AWS credentials could not be fetched", _SIGN_IN),
    "LoginError": _Words("the AWS sign-in is missing or has expired", _SIGN_IN),
    "SSOError": _Words("the AWS sign-in is missing or has expired", _SIGN_IN),
    "TokenRetrievalError": _Words("the AWS sign-in is missing or has expired", _SIGN_IN),
    "NoRegionError": _Words(
        "no AWS region is set", "add --region NAME, or set AWS_DEFAULT_REGION (AWS_REGION is not read)"
    ),
    "InvalidRegionError": _Words("that is no AWS region", "write it as AWS does: --region eu-west-1"),
    "SSLError": _Words("the TLS connection could not be made", "check the endpoint, the proxy and AWS_CA_BUNDLE"),
    "ProxyConnectionError": _Words("the proxy cannot be reached", "check HTTPS_PROXY and NO_PROXY"),
    "ReadTimeoutError": _Words("the endpoint did not answer in time", _REACH),
    "ConnectionError": _Words("the endpoint cannot be reached", _REACH),
    "HTTPClientError": _Words("the connection to the endpoint broke", _REACH),
    "ParamValidationError": _Words("AWS would not take these parameters", "check the names and values given"),
}


@contextmanager
def aws_errors(*, where: str = "", service: str = "") -> Iterator[None]:
    """
    Turn what boto3 raises inside into an `AwsError` with the next step; everything else goes through.

    Args:
        where: The resource that the calls inside are about.
        service: AWS's prefix of the actions inside (`sqs`), to name a denied one.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refused(error, where, service) from error
    except (BotoCoreError, ValueError) as error:
        translated = _words(error, where)
        if translated is None:
            raise
        raise translated from error


def error_code(error: BaseException) -> str:
    """Give AWS's code of a botocore `ClientError`, or an empty string."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _refused(error: Any, where: str, service: str) -> AwsError:
    code = error_code(error)
    said = _one_line(error.response.get("Error", {}).get("Message") or code)
    words = _WRONG_CREDENTIALS if "Signature" in code else _BY_CODE.get(code)
    if words is None:
        what = f"AWS refused {error.operation_name}: {said}"
        hint = _NAMES if _NOT_THERE.search(code) else "see the AWS API reference of that operation"
        return AwsError(what, code=code, where=where, hint=hint)
    if words is _DENIED:
        return _denied(error, code, said, where, service)
    if words is _WRONG_CREDENTIALS:  # AWS may quote the request that it expected, with its session token
        return AwsError(words.what, code=code, where=where, hint=words.hint)
    return AwsError(words.what, code=code, where=where, hint=f"{words.hint} (AWS said: {said})")


def _denied(error: Any, code: str, said: str, where: str, service: str) -> AwsError:
    """Name the one action, and where AWS tells it the one resource, that must be allowed."""
    found = _NOT_AUTHORIZED.search(said)
    asked = f"{service}:{error.operation_name}" if service else error.operation_name
    # AWS writes SQS actions in lower case in this message; the policy language does not mind, but eyes do.
    action = found[1] if found and found[1].lower() != asked.lower() else asked
    resource = found[2].rstrip(".,") if found and found[2] else where
    return AwsError(
        f"AWS denied {action}",
        code=code,
        where=where,
        expected=f"a policy that allows {action}" + (f" on {resource}" if resource else ""),
        hint=f"{_DENIED.hint} (AWS said: {said})",
    )


def _words(error: Exception, where: str) -> AwsError | None:
    """Find the words for what boto3 itself raised, by its class or the nearest of its bases."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if "ProfileNotFound" in names:
        return _no_profile(error)
    if names[0] == "ValueError":
        return _not_an_endpoint(error)
    endpoint = _one_line(getattr(error, "kwargs", {}).get("endpoint_url") or "")
    places = [place for place in (where, endpoint and f"endpoint {endpoint}") if place]
    for name in names:
        if name in _BY_EXCEPTION:
            words = _BY_EXCEPTION[name]
            return AwsError(words.what, where=", ".join(places), hint=words.hint)
    what = f"AWS cannot be asked with this configuration: {_one_line(str(error))}"
    hint = "check ~/.aws/config, the variables AWS_…, and the region and endpoint that were given"
    return AwsError(what, where=", ".join(places), hint=hint)


def _no_profile(error: Exception) -> AwsError:
    import botocore.session

    profile = str(getattr(error, "kwargs", {}).get("profile", ""))
    known = sorted(botocore.session.Session().available_profiles)
    near = difflib.get_close_matches(profile, known, n=1)
    return AwsError(
        f"there is no AWS profile {profile!r}",
        where="~/.aws/config, AWS_PROFILE or --profile",
        expected=f"one of {', '.join(known)}" if known else "",
        hint=f"did you mean {near[0]}?" if near else "list the profiles with `aws configure list-profiles`",
    )


def _not_an_endpoint(error: Exception) -> AwsError | None:
    found = re.match(r"Invalid endpoint: (.*)", str(error), re.DOTALL)
    if found is None:
        return None
    return AwsError("that is no endpoint URL", where=_one_line(found[1]), expected="such as http://localhost:4566")


def _one_line(text: str) -> str:
    """Keep what AWS said to one short printable line: it may quote what others wrote."""
    line = " ".join(text.split())
    safe = "".join(character if character.isprintable() else "?" for character in line)
    return safe if len(safe) <= _LONGEST_MESSAGE else safe[: _LONGEST_MESSAGE - 1] + "…"
