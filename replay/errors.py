"""
Everything that can go wrong, in one tree.

    Exception
    ├── ReplayError                 we could not do our work (exit code 2)
    │   ├── ConfigurationError      [tool.replay], an option, the environment
    │   ├── TemplateError           a SAM / CloudFormation / CDK template
    │   ├── FunctionError           a function that is not known or cannot be loaded
    │   ├── InvalidEventPattern     an event pattern, filter policy or filter criteria
    │   ├── InvalidJson             text that is not JSON where JSON is needed
    │   ├── InvalidEvent            an event that its event source could never have delivered
    │   ├── FixtureError            a fixture that is missing, unreadable, newer than this tool, or cannot be written
    │   │   └── NotPinned           … or in which a first failure cannot be noted
    │   ├── SourceError             a source that cannot be read
    │   │   └── SourceRefused       … or that we will not read without the user's word
    │   ├── AwsError                AWS (or the way to it) said no: credentials, region, permission, name, throttling
    │   ├── RedactionError          a payload that cannot be made safe to write
    │   └── TargetError             a target that cannot be reached or prepared
    │       └── TargetRefused       … or that we will not send to without the user's word
    └── AssertionError
        └── UnexpectedOutcome       the function under test did not do what was expected (exit code 1)
"""


class ReplayError(Exception):
    """
    We could not do our work.

    Args:
        what: What happened, one sentence without a full stop.
        where: The queue, file, JSON Pointer, option or fixture that it is about.
        expected: What would have been right.
        hint: What to do now; a command where there is one.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where:    {self.where}")
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"  do now:   {self.hint}")
        return "\n".join(lines)


class ConfigurationError(ReplayError):
    """`[tool.replay]`, an option or the environment says something we cannot use."""


class TemplateError(ReplayError):
    """A SAM, CloudFormation or CDK template cannot be read."""


class FunctionError(ReplayError):
    """A function is not known, or its handler cannot be found or imported."""


class InvalidEventPattern(ReplayError):
    """An event pattern, SNS filter policy or filter criteria that AWS refuses; `what` is worded as AWS words it."""


class InvalidJson(ReplayError):
    """Text that is not JSON where JSON is needed."""


class InvalidEvent(ReplayError):
    """An event that its event source could never have delivered, such as an SQS event without records."""


class FixtureError(ReplayError):
    """A fixture is missing, unreadable, newer than this tool, or cannot be written."""


class NotPinned(FixtureError):
    """
    The first local failure of a fixture cannot be written into it.

    Args:
        found: What the replay has found all the same: the verdict, and the failure.
    """

    def __init__(self, what: str, *, found: str, where: str = "", hint: str = "") -> None:
        self.found = found
        self.apart_from_found = what
        super().__init__(f"{what}; it is {found}", where=where, hint=hint)


class SourceError(ReplayError):
    """A source cannot be read."""


class SourceRefused(SourceError):
    """Reading this source could harm production, and the user has not said that it may be done."""


class AwsError(ReplayError):
    """
    AWS, or the way to it, said no.

    Args:
        code: The error code as AWS gives it, such as `AccessDenied` or `ExpiredToken`; empty when no answer came.
    """

    def __init__(self, what: str, *, code: str = "", where: str = "", expected: str = "", hint: str = "") -> None:
        self.code = code
        super().__init__(what, where=where, expected=expected, hint=hint)


class RedactionError(ReplayError):
    """A payload cannot be made safe to write, so nothing was written."""


class TargetError(ReplayError):
    """A target cannot be reached or prepared."""


class TargetRefused(TargetError):
    """Sending to this target could hurt an account, and the user has not said that it may be done."""


class UnexpectedOutcome(AssertionError):
    """The function under test did not do what its fixture expects."""
