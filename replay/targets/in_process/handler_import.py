"""Finding and importing a handler, and telling the function's own mistakes from what this machine lacks."""

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from replay.errors import FunctionError
from replay.functions.function import Function
from replay.payloads.failures import Frame
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.own_modules import importable_names
from replay.targets.in_process.runtime_faults import RuntimeFault

Handler = Callable[[Any, Any], Any]


def import_handler(function: Function, roots: Sequence[Path], code_map: CodeMap) -> Handler:
    """
    Import the handler of *function* as the Python runtime does.

    Raises:
        RuntimeFault: The handler's name or its code is wrong, in the runtime's words.
        FunctionError: The handler's file, or a package that it needs, is not on this machine.
        BaseException: Whatever the function's modules raise.

    Source: aws-lambda-python-runtime-interface-client 4.2.2, `bootstrap.py`.
    """
    module_name, name = _parse(function.handler)
    _check_present(function, module_name, roots)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        check_installed(error, function, roots)
        text = code_map.text(str(error))
        raise RuntimeFault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {text}") from error
    except SyntaxError as error:
        raise _syntax_fault(error, module_name, code_map) from error
    try:
        return getattr(module, name)  # type: ignore[no-any-return]  # whatever the user names
    except AttributeError:
        raise RuntimeFault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'") from None


def _parse(handler: str) -> tuple[str, str]:
    try:
        module_name, name = handler.rsplit(".", 1)
    except ValueError as error:
        raise RuntimeFault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {error}") from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise RuntimeFault(
            "Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module"
        )
    return module_name, name


def _check_present(function: Function, module_name: str, roots: Sequence[Path]) -> None:
    relative = Path(*module_name.replace("/", ".").split("."))
    candidates = [root / relative for root in roots]
    if any(one.is_dir() or one.with_name(f"{one.name}.py").is_file() for one in candidates):
        return
    if any(list(one.parent.glob(f"{one.name}.*.so")) for one in candidates if one.parent.is_dir()):
        return
    near = difflib.get_close_matches(relative.parts[0], importable_names(roots), n=1)
    correct = "correct `handler` (Handler in the template), or `code` (CodeUri)"
    raise FunctionError(
        f"the handler of {function.display_name} is not there: no module {module_name!r}",
        where=f"handler {function.handler!r} in {function.code}",
        expected=f"a file {relative}.py",
        hint=f"did you mean {near[0]!r}?" if near else correct,
    )


def check_installed(error: ImportError, function: Function, roots: Sequence[Path]) -> None:
    """
    Raise where *error* says nothing of the function, but that this machine lacks what the function is deployed with.

    Raises:
        FunctionError: A package is not installed here, or was built for another machine.
    """
    if error.path and Path(error.path).suffix in {".so", ".pyd", ".dylib"}:
        raise FunctionError(
            f"{function.display_name} cannot be imported here: {error}",
            where=error.path,
            expected="packages for this machine and this Python",
            hint=f"install them here: {_install_command(function)}",
        ) from error
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        if top not in importable_names(roots) and not _is_findable(top):
            _refuse_missing(top, error, function)


def _is_findable(top: str) -> bool:
    try:
        return top in sys.modules or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _refuse_missing(top: str, error: ImportError, function: Function) -> NoReturn:
    raise FunctionError(
        f"{function.display_name} needs {top!r}, which is not installed here",
        where=f"handler {function.handler!r} in {function.code}",
        expected=f"what the function is deployed with, in this Python ({sys.executable})",
        hint=_install_command(function),
    ) from error


def _install_command(function: Function) -> str:
    template = [function.template.parent] if function.template else []
    for folder in (function.code, function.code.parent, *template):
        if (folder / "requirements.txt").is_file():
            return f"{sys.executable} -m pip install -r {folder / 'requirements.txt'}"
    return "install the function's requirements into this environment"


def _syntax_fault(error: SyntaxError, module_name: str, code_map: CodeMap) -> RuntimeFault:
    file = code_map.file(error.filename or "<unknown>")
    return RuntimeFault(
        "Runtime.UserCodeSyntaxError",
        code_map.text(f"Syntax error in module '{module_name}': {error}"),
        frames=[
            Frame(
                module=file.module,
                function="<module>",
                code=(error.text or "").strip(),
                owner=file.owner,
                line=error.lineno,
            )
        ],
        stack=f'  File "{file.path}" Line {error.lineno}\n    {error.text}',
    )
