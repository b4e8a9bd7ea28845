"""What runs inside the target interpreter: loads the handler as the Lambda runtime client does, and tells how it went.

Started as `python -I -S -B -u probe.py FD`; runs on Python 3.8 to 3.15, standard library only. What is imported here
hides a module of the function with that name, so it is what Lambda's `/var/runtime/bootstrap.py` imports as well,
before it puts the function's folder on `sys.path`: json, logging, os, site, sys, time, traceback, warnings and the
client. (`faulthandler` is built in, and cannot be hidden anyway.)

The open file FD holds the request as JSON and takes the answers, each as JSON between two copies of the request's
one-time nonce, so that nothing the handler writes anywhere can be taken for one; with `answers` in the request, the
answers go to that descriptor instead. What tells the answer is taken from the standard library before the handler is
loaded: one that replaces `json.dumps` or `os.write` changes its own. No path of Lambda is known here.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import os
import site
import sys
import time
import traceback
import warnings  # noqa: F401 - as bootstrap.py

TYPE_CHECKING = False  # the client does not import `typing`: a `typing.py` of the function is found on Lambda
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from lambdapack.importtest import observation
else:
    # Neither its folder nor its name stays: the function may have a module of that name.
    sys.path.insert(0, __file__.rpartition("/")[0])
    observation = importlib.import_module("observation")
    del sys.path[0], sys.modules["observation"]

CLIENT_RULES = "rules of awslambdaric 4.2.2"

STDLIB = list(sys.path)  # started with -I and -S: the standard library and nothing else


class Fault(Exception):
    """The fallback for the client's `FaultException`: a failure that the client names itself."""

    def __init__(self, exception_type: str, msg: str) -> None:
        super().__init__(msg)
        self.exception_type = exception_type
        self.msg = msg


def as_json(value: object, quoted: Any = json.encoder.encode_basestring_ascii) -> str:
    """Spells an answer as JSON without the classes of `json`, which handlers like to patch."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return str(quoted(value))
    if isinstance(value, dict):
        return "{" + ",".join([as_json(str(key)) + ":" + as_json(item) for key, item in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([as_json(item) for item in value]) + "]"
    return repr(value)


class Channel:
    """The way to the parent: an inherited descriptor, or its path when the handler has closed that."""

    getpid = staticmethod(os.getpid)
    fstat = staticmethod(os.fstat)
    open = staticmethod(os.open)
    write = staticmethod(os.write)

    def __init__(self, descriptor: int) -> None:
        self.owner = os.getpid()
        content = b""
        while True:
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            content += piece
        self.request: dict[str, Any] = json.loads(content.decode("ascii"))
        self.marker = "\0" + self.request.pop("nonce") + "\0"
        if "answers" in self.request:
            os.close(descriptor)
            descriptor = os.dup(self.request["answers"])
        else:
            os.ftruncate(descriptor, 0)  # the nonce does not stay where the handler could read it
        self.descriptor = descriptor
        status = os.fstat(descriptor)
        self.identity = (status.st_dev, status.st_ino)

    def tell(self, answer: dict[str, Any]) -> None:
        """Sends one answer. A process that the handler forked is not the one that was asked, and says nothing."""
        if self.getpid() != self.owner:
            return
        data = (self.marker + as_json(answer) + self.marker).encode("ascii")
        try:
            status = self.fstat(self.descriptor)
            mine = (status.st_dev, status.st_ino) == self.identity
        except OSError:
            mine = False
        # Closed by the handler, and perhaps the number is in use for another file by now.
        descriptor = self.descriptor if mine else self.open(self.request["channel"], os.O_WRONLY | os.O_APPEND)
        while data:
            data = data[self.write(descriptor, data) :]


class VainLookups:
    """A finder at the end of `sys.meta_path`: notes the top-level modules that nobody found, and finds nothing."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """The import system's question, which this never answers."""
        if path is None and "." not in name and name not in self.names:
            self.names.append(name)


def prepare_client(packages: list[str]) -> ModuleType:
    """Imports the real client and does what its `run` does before it loads the handler.

    The root logger gets the client's handler: code that configures `logging.getLogger().handlers[0]` relies on it.
    """
    sys.path[:] = STDLIB + packages
    bootstrap = importlib.import_module("awslambdaric.bootstrap")
    try:
        sys.stdout = bootstrap.Unbuffered(sys.stdout)
        sys.stderr = bootstrap.Unbuffered(sys.stderr)
        setup = bootstrap._setup_logging
        setup(bootstrap._AWS_LAMBDA_LOG_FORMAT, bootstrap._AWS_LAMBDA_LOG_LEVEL, bootstrap.create_log_sink())
    except Exception:  # noqa: BLE001 - private names; a version with others still loads handlers by the same rules
        pass
    return bootstrap


def prepare_rules(preloaded: list[str]) -> None:
    """Leaves behind what the client would: the modules that it has imported, and a handler on the root logger."""
    for name in preloaded:
        try:
            importlib.import_module(name)
        except ImportError:  # not in this patch version, or not built into this interpreter
            continue
    logging.Formatter.converter = time.gmtime
    logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))


def set_search_path(request: dict[str, Any]) -> None:
    """Sets `sys.path` as on Lambda and runs the `.pth` files that Lambda runs; `*` stands for the standard library."""
    path: list[str] = []
    for entry in request["path"]:
        path += STDLIB if entry == "*" else [entry]
    sys.path[:] = path
    # `-S` keeps this interpreter's site-packages out; on Lambda `site` is active, and `exit()` and `help()` exist.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    for folder in request["site"]:
        site.addsitedir(folder)


def load_by_client(bootstrap: ModuleType, handler: str) -> object:
    """Loads the handler with the client's own function, whatever this version calls it.

    `_get_handler` was `get_handler` from 4.1.0 to 4.2.0. Before 2.1.0 it returned a function that raises the fault when
    it is called, instead of raising it.
    """
    loader = getattr(bootstrap, "_get_handler", None) or bootstrap.get_handler
    found: object = loader(handler)
    if getattr(found, "__module__", None) == bootstrap.__name__ and callable(found):
        found()
    return found


def load_by_rules(handler: str) -> object:
    """Loads the handler by the rules of awslambdaric 4.2.2, `bootstrap._get_handler`: same order, same words."""
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


def drop_loader_frames(error: BaseException, client: str, clock: observation.ImportClock) -> None:
    """Drops the leading frames of the probe, the client and the import system: the reader's own code comes first."""
    trace = error.__traceback__
    while trace is not None:
        while trace.tb_next is not None and trace.tb_next.tb_frame.f_code is clock.code:
            trace.tb_next = trace.tb_next.tb_next
        trace = trace.tb_next
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        imports = name.startswith("<frozen importlib") or name == importlib.__file__
        if not (name == __file__ or imports or (client and name == client)):
            break
        trace = trace.tb_next
    error.__traceback__ = trace


def failure(error: BaseException, client: str, clock: observation.ImportClock) -> dict[str, Any]:
    """The answer for a handler that did not load: the client's words, and what the client hides."""
    original = error
    if isinstance(error, Fault) or type(error).__module__ == "awslambdaric.lambda_runtime_exception":
        kind, text = str(getattr(error, "exception_type", "")), str(getattr(error, "msg", ""))
        original = error.__cause__ or error.__context__ or error
    else:
        kind, text = type(error).__name__, str(error)
    links = chain(original)
    for link in links:
        drop_loader_frames(link, client, clock)
    shown = ""
    if original is not error or not kind.startswith("Runtime."):
        try:
            shown = "".join(traceback.format_exception(type(original), original, original.__traceback__))
        except Exception as trouble:  # noqa: BLE001 - a handler may raise what cannot even be printed
            shown = f"{type(original).__name__}, and {type(trouble).__name__} while formatting it"
    return {
        "type": kind,
        "message": text,
        "traceback": shown,
        "cause": type(original).__name__,
        "missing": [str(link.name) for link in links if isinstance(link, ModuleNotFoundError) and link.name],
        "unset": [name for link in links for name in unset_variable(link)],
    }


def unset_variable(error: BaseException) -> list[str]:
    """The environment variable whose absence raised the exception, by `os.environ[NAME]`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if isinstance(error, KeyError) and trace is not None and trace.tb_frame.f_globals is os.__dict__:
        return [str(error.args[0])]
    return []


def contract(target: str) -> dict[str, Any]:
    """Looks up `package.module:Name.attribute` as another function of the project would; None as error: it is there."""
    module, _, path = target.partition(":")
    try:
        found: object = importlib.import_module(module)
        for name in path.split(".") if path else ():
            found = getattr(found, name)
    except Exception as error:  # noqa: BLE001 - whatever importing the module raises
        return {"target": target, "error": f"{type(error).__name__}: {error}"}
    return {"target": target, "error": None}


def load(bootstrap: ModuleType | None, request: dict[str, Any]) -> None:
    """Loads what is asked for: the handler, or one module by its name."""
    if "module" in request:
        importlib.import_module(request["module"])
    elif bootstrap is not None:
        load_by_client(bootstrap, request["handler"])
    else:
        load_by_rules(request["handler"])


def main(descriptor: int) -> None:
    """Answers the request in the open file."""
    channel = Channel(descriptor)
    request, now, leave = channel.request, time.perf_counter, os._exit
    faulthandler.enable(request.get("crash", 2))  # a fatal signal leaves the Python stack behind, and stays as it is
    sys.argv[:] = ["bootstrap.py"]
    channel.tell({"event": "started", "stdlib": os.__file__[: -len("/os.py")], "python": sys.version.split()[0]})
    answer: dict[str, Any] = {"client": CLIENT_RULES, "client_note": ""}
    bootstrap: ModuleType | None = None
    if request["client"]:
        try:
            bootstrap = prepare_client(request["packages"])
            answer["client"] = "awslambdaric " + str(sys.modules["awslambdaric"].__version__)
        except Exception as error:  # noqa: BLE001 - no file of the function took part: this copy does not fit
            answer["client_note"] = f"{type(error).__name__}: {error}"
    if bootstrap is None:
        prepare_rules(request["preloaded"])
    vain, clock, opened = VainLookups(), observation.ImportClock(), observation.OpenedFiles()
    ended: BaseException | None = None
    opened.start()
    started = now()
    try:
        answer["event"] = "escaped"  # what a `.pth` file lets out ends the process, whatever it is
        set_search_path(request)
        sys.meta_path.append(vain)
        answer["event"] = "loaded"
        clock.start()
        started = now()
        load(bootstrap, request)
    except BaseException as error:  # noqa: BLE001 - told first, raised again below
        ended = error
        if answer["event"] == "loaded":
            # As in the client: `SystemExit` and its like are not caught, and end the process.
            answer["event"] = "failed" if isinstance(error, Exception) else "escaped"
    answer["seconds"] = now() - started
    if ended is not None:
        answer.update(failure(ended, (bootstrap.__file__ or "") if bootstrap is not None else "", clock))
    answer["vain"] = vain.names
    answer["imports"] = clock.told()
    answer["opened"] = opened.told(request["roots"])
    answer["mapped"] = observation.mapped_files()
    answer["peak"] = observation.peak_bytes()
    if answer["event"] == "loaded":
        answer["contracts"] = [contract(target) for target in request.get("contracts", ())]
    channel.tell(answer)
    if ended is not None and answer["event"] == "escaped":
        raise ended
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - no import for two lines
            stream.flush()
        except Exception:  # noqa: BLE001 - closed or replaced by the handler
            pass
    leave(0)  # on Lambda the process goes on to wait for events: no atexit hook, no waiting for threads


if __name__ == "__main__":
    main(int(sys.argv[1]))
