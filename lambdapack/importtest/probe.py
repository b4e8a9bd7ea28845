"""What runs inside the target interpreter: loads the handler as the Lambda runtime client does, and tells how it went.

Started as `python -I -S -B -u probe.py FD`; runs on Python 3.8 to 3.15. Standard library only, and as little of it
as possible: on Lambda the function's files come before the standard library, so whatever is imported here before
`sys.path` is set would hide a `json.py` or `logging/` of the function. `os`, `site`, `sys` and `time` are what
`/var/runtime/bootstrap.py` and the interpreter have loaded by then as well; `faulthandler` is built in.

The open file FD holds the request and takes the answer. Both are `key=value` fields separated by NUL, because a
parser from the standard library would be one of those imports. The answer stands between two copies of the one-time
nonce of the request, so that nothing the handler writes anywhere can be taken for it. This file
knows no path of Lambda.
"""

from __future__ import annotations

import faulthandler
import os
import site
import sys
import time

TYPE_CHECKING = False  # `typing` itself would be an import that hides a module of the function
if TYPE_CHECKING:
    from types import ModuleType

# What importing `awslambdaric.bootstrap` 4.2.2 imports and takes from there, in its order: without the client this is
# done all the same, since a file of the function that shadows one of them breaks the client before the handler loads.
CLIENT_IMPORTS = (
    ("importlib", "import_module"),
    ("json", "JSONEncoder"),
    ("logging", "Formatter"),
    ("traceback", "format_list"),
    ("enum", "IntEnum"),
    ("decimal", "Decimal"),
    ("math", "isnan"),
)
CLIENT_RULES = "rules of awslambdaric 4.2.2"

STDLIB = list(sys.path)  # started with -I and -S: the standard library and nothing else


class Fault(Exception):
    """The fallback for the client's `FaultException`: a failure that the client names itself."""

    def __init__(self, exception_type: str, msg: str) -> None:
        super().__init__(msg)
        self.exception_type = exception_type
        self.msg = msg


class Channel:
    """The way to the parent: an inherited descriptor, or its path when the handler has closed that."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.owner = os.getpid()
        status = os.fstat(descriptor)
        self.identity = (status.st_dev, status.st_ino)
        content = b""
        while True:
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            content += piece
        os.ftruncate(descriptor, 0)  # the nonce does not stay where the handler could read it
        fields = [item.partition("=") for item in content.decode("utf-8", "surrogateescape").split("\0")]
        self.fields = [(key, value) for key, _, value in fields]
        self.nonce = self.one("nonce")
        self.path = self.one("channel")

    def one(self, key: str) -> str:
        """The value of a field, or an empty string."""
        return ([value for name, value in self.fields if name == key] or [""])[0]

    def all(self, key: str) -> list[str]:
        """The values of a field that may stand several times, in order."""
        return [value for name, value in self.fields if name == key]

    def tell(self, **fields: str) -> None:
        """Sends one answer. A process that the handler forked is not the one that was asked, and says nothing."""
        if os.getpid() != self.owner:
            return
        pairs = [key + "=" + value.replace("\0", "\\0") for key, value in fields.items()]
        text = "\0".join(["", self.nonce, *pairs, self.nonce, ""])
        data = text.encode("utf-8", "backslashreplace")
        try:
            status = os.fstat(self.descriptor)
            mine = (status.st_dev, status.st_ino) == self.identity
        except OSError:
            mine = False
        # Closed by the handler, and perhaps the number is in use for another file by now.
        descriptor = self.descriptor if mine else os.open(self.path, os.O_WRONLY | os.O_APPEND)
        while data:
            data = data[os.write(descriptor, data) :]


class VainLookups:
    """A finder at the end of `sys.meta_path`: notes the top-level modules that nobody found, and finds nothing."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if path is None and "." not in name and name not in self.names:
            self.names.append(name)


def set_search_path(channel: Channel, stdlib: list[str]) -> None:
    """Sets `sys.path` as on Lambda and runs the `.pth` files that Lambda runs; `*` stands for the standard library."""
    path: list[str] = []
    for entry in channel.all("path"):
        path += stdlib if entry == "*" else [entry]
    sys.path[:] = path
    # `-S` keeps this interpreter's site-packages out; on Lambda `site` is active, and `exit()` and `help()` exist.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    for folder in channel.all("site"):
        site.addsitedir(folder)


def prepare_client() -> ModuleType:
    """Imports the real client and does what its `run` does before it loads the handler.

    The root logger gets the client's handler: code that configures `logging.getLogger().handlers[0]` relies on it.
    """
    __import__("awslambdaric.bootstrap")
    bootstrap = sys.modules["awslambdaric.bootstrap"]
    try:
        sys.stdout = bootstrap.Unbuffered(sys.stdout)
        sys.stderr = bootstrap.Unbuffered(sys.stderr)
        setup = bootstrap._setup_logging
        setup(bootstrap._AWS_LAMBDA_LOG_FORMAT, bootstrap._AWS_LAMBDA_LOG_LEVEL, bootstrap.create_log_sink())
    except Exception:  # noqa: BLE001 - private names; a version with others still loads handlers by the same rules
        pass
    return bootstrap


def prepare_rules() -> None:
    """Leaves behind what the client would: its imports, and a handler on the root logger."""
    for name, attribute in CLIENT_IMPORTS:
        getattr(__import__(name), attribute)
    import logging

    logging.Formatter.converter = time.gmtime
    logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))


def load_by_client(bootstrap: ModuleType, handler: str) -> object:
    """Loads the handler with the client's own function, whatever this version calls it.

    `_get_handler` was `get_handler` from 4.1.0 to 4.2.0. Before 2.1.0 it returned a function that raises the fault when
    it is called, instead of raising it.
    """
    loader = getattr(bootstrap, "_get_handler", None) or bootstrap.get_handler
    found: object = loader(handler)
    if str(getattr(found, "__qualname__", "")).startswith("make_fault_handler.") and callable(found):
        found()
    return found


def load_by_rules(handler: str) -> object:
    """Loads the handler by the rules of awslambdaric 4.2.2, `bootstrap._get_handler`: same order, same words."""
    import importlib

    try:
        modname, fname = handler.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {error}") from error
    try:
        if modname.split(".")[0] in sys.builtin_module_names:
            raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {modname} as a handler module")
        module = importlib.import_module(modname.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{modname}': {error}") from error
    except SyntaxError as error:
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{modname}': {error}") from error
    try:
        return getattr(module, fname)
    except AttributeError as error:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{fname}' missing on module '{modname}'") from error


def chain(error: BaseException | None) -> list[BaseException]:
    """The exception and what led to it, as a traceback would show them, outermost first."""
    found: list[BaseException] = []
    while error is not None and not any(error is link for link in found):
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def without_loader_frames(error: BaseException, inside: list[str]) -> BaseException:
    """Drops the leading frames of the probe, the client and the import system: the reader's own code comes first."""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        imports = name.startswith("<frozen importlib") or name.endswith("/importlib/__init__.py")
        if not (name == __file__ or imports or any(name.startswith(folder + os.sep) for folder in inside)):
            break
        trace = trace.tb_next
    return error.with_traceback(trace)


def describe(error: BaseException, roots: list[str]) -> str:
    """The full chained traceback, formatted by the real `traceback` module even where the function shadows it."""
    saved_path = sys.path[:]
    hidden = {}
    try:
        if "traceback" not in sys.modules or is_below(sys.modules["traceback"], roots):
            hidden = {name: module for name, module in sys.modules.items() if is_below(module, roots)}
            for name in hidden:
                del sys.modules[name]
            sys.path[:] = STDLIB
        import traceback

        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception as trouble:  # noqa: BLE001 - a handler may raise what cannot even be printed
        return f"{type(error).__name__}: {type(trouble).__name__} while formatting it"
    finally:
        sys.path[:] = saved_path
        sys.modules.update(hidden)


def is_below(module: object, roots: list[str]) -> bool:
    """True when a module was loaded from one of the folders."""
    place = getattr(module, "__file__", None)
    return isinstance(place, str) and any(place.startswith(root + os.sep) for root in roots)


def failure(error: BaseException, roots: list[str], packages: list[str]) -> dict[str, str]:
    """The answer for a handler that did not load: the client's words, and what the client hides."""
    original = error
    if isinstance(error, Fault) or type(error).__module__ == "awslambdaric.lambda_runtime_exception":
        kind, text = str(getattr(error, "exception_type", "")), str(getattr(error, "msg", ""))
        original = error.__context__ or error
    else:
        kind, text = type(error).__name__, str(error)
    links = chain(original)
    for link in links:
        without_loader_frames(link, packages)
    missing = [str(link.name) for link in links if isinstance(link, ModuleNotFoundError) and link.name]
    shown = "" if original is error and kind.startswith("Runtime.") else describe(original, roots)
    return {
        "type": kind,
        "message": text,
        "traceback": shown,
        "cause": type(original).__name__,
        "missing": "\n".join(missing),
        "unset": "\n".join(unset_variables(links)),
    }


def unset_variables(links: list[BaseException]) -> list[str]:
    """The environment variables whose absence raised one of the exceptions: `os.environ[NAME]`."""
    names: list[str] = []
    for link in links:
        trace = link.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if isinstance(link, KeyError) and trace is not None and trace.tb_frame.f_globals is os.__dict__:
            names.append(str(link.args[0]))
    return names


def main(descriptor: int) -> None:
    """Answers the request in the open file."""
    channel = Channel(descriptor)
    crash_log = os.open(channel.one("crash-log"), os.O_WRONLY | os.O_CREAT)
    faulthandler.enable(crash_log)  # a fatal signal leaves the Python stack behind; the signal stays as it is
    handler, roots, packages = channel.one("handler"), channel.all("root"), channel.all("package")
    sys.argv[:] = ["bootstrap.py"]
    channel.tell(event="started", stdlib=os.__file__[: -len("/os.py")])
    client, note = CLIENT_RULES, ""
    bootstrap: ModuleType | None = None
    vain = VainLookups()
    try:
        set_search_path(channel, STDLIB)
        if channel.one("client") == "yes":
            try:
                bootstrap = prepare_client()
                client = "awslambdaric " + str(sys.modules["awslambdaric"].__version__)
            except Exception as error:
                # On Lambda the process would end here. But where no file of the function took part, it is
                # this copy of the client that does not fit this interpreter.
                if any(is_below(module, roots) for module in list(sys.modules.values())):
                    raise
                note = f"{type(error).__name__}: {error}"
        if bootstrap is None:
            prepare_rules()
    except BaseException as error:
        answer = failure(error, roots, [])
        channel.tell(event="escaped", client=client, client_note=note, seconds="", vain="", **answer)
        raise
    sys.meta_path.append(vain)
    event = "loaded"
    ended: BaseException | None = None
    started = time.perf_counter()
    try:
        if bootstrap is not None:
            load_by_client(bootstrap, handler)
        else:
            load_by_rules(handler)
    except BaseException as error:  # noqa: BLE001 - told first, raised again below
        # As in the client: `SystemExit` and its like are not caught, and end the process.
        event, ended = ("failed" if isinstance(error, Exception) else "escaped"), error
    seconds = f"{time.perf_counter() - started:.6f}"
    answer = failure(ended, roots, packages) if ended is not None else {}
    channel.tell(event=event, client=client, client_note=note, seconds=seconds, vain="\n".join(vain.names), **answer)
    if event == "escaped" and ended is not None:
        raise ended
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - no import for two lines
            stream.flush()
        except Exception:  # noqa: BLE001 - closed or replaced by the handler
            pass
    os._exit(0)  # on Lambda the process goes on to wait for events: no atexit hook, no waiting for threads


if __name__ == "__main__":
    main(int(sys.argv[1]))
