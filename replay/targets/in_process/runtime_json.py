"""The Python runtime's own JSON rules, on the way in and on the way out (see `python_answers`)."""

from typing import Any

import simplejson

from replay.delivery.python_answers import AnswerRefused, written_answer
from replay.targets.in_process.runtime_faults import RuntimeFault

_ESCAPING_RUNTIMES = frozenset({"python3.8", "python3.9", "python3.10", "python3.11"})


class RuntimeJson:
    """How one runtime version reads events and writes answers: from python3.12 on it escapes no Unicode."""

    def __init__(self, runtime: str) -> None:
        self._escape = runtime in _ESCAPING_RUNTIMES

    @staticmethod
    def read_event(payload: str) -> Any:
        """
        Read the event as the runtime does, from UTF-8 bytes.

        Raises:
            RuntimeFault: `Runtime.UnmarshalError`.
        """
        try:
            return simplejson.loads(payload.encode("utf-8", "surrogatepass"))
        except Exception as error:  # noqa: BLE001 - the runtime catches everything here, RecursionError too
            raise RuntimeFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None

    def write_answer(self, answer: Any) -> str:
        """
        Write what the handler returned; bytes go out as they are.

        Raises:
            RuntimeFault: `Runtime.MarshalError`, or `Function.ResponseSizeTooLarge`.
            UnsendableAnswer: The answer has no UTF-8.
        """
        try:
            return written_answer(answer, escape=self._escape)
        except AnswerRefused as refused:
            raise RuntimeFault(refused.error_type, str(refused), status=refused.status) from None
