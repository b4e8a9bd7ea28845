"""Lambda's file system, search paths and environment, laid over a temporary folder.

Knows which of Lambda's paths stands where on this machine, both ways: for what goes into the attempt (`sys.path`,
`LD_LIBRARY_PATH`, variables) and for what comes out of it (messages, tracebacks). Starts no process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lambdapack.importtest import probe
from lambdapack.importtest.backend import LAYER_ROOT, TASK_ROOT, AttemptRequest
from lambdapack.importtest.interpreters import Interpreter
from lambdapack.importtest.room import PRIVATE

STANDARD_LIBRARY = "*"
"""In a search path: where the interpreter's own standard library stands."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One attempt's places. `root` holds `/var/task` and `/opt`; it is absolute and free of links. `/` for a sandbox,
    where everything stands at Lambda's own places, the interpreter and the runtime's packages as well."""

    root: Path
    request: AttemptRequest
    interpreter: Interpreter

    @property
    def confined(self) -> bool:
        """True where everything stands at Lambda's own places."""
        return self.root == Path("/")

    def place(self, path: str) -> str:
        """Where one of Lambda's paths below `/var/task`, `/opt` or `/tmp` stands here."""
        return str(self.root.joinpath(*path.strip("/").split("/")))

    @property
    def python_path(self) -> list[str]:
        """`sys.path` in Lambda's order, with `*` for the standard library.

        The runtime's own packages stand where the first of its package folders is: `/var/lang/…/site-packages` from
        3.11 on, `/var/runtime` before. As there, a `PYTHONPATH` of the function replaces what the bootstrap would put
        before the standard library, except for the function itself.
        """
        profile = self.request.profile
        entries = list(profile.python_path)
        own = self.request.extra_env.get("PYTHONPATH")
        if own:
            first = next((at for at, entry in enumerate(entries) if _is_standard_library(entry)), len(entries))
            given = [entry for entry in own.split(":") if entry]
            entries = [TASK_ROOT, *given, *(e for e in entries[first:] if e != TASK_ROOT)]
        path: list[str] = []
        for entry in entries:
            if _is_mounted(entry):
                path.append(self.place(entry))
            elif _is_standard_library(entry):
                if STANDARD_LIBRARY not in path:
                    path.append(STANDARD_LIBRARY)
            elif self.confined:
                path.append(entry)
            elif entry.endswith("/site-packages") or entry == "/var/runtime":
                packages = self.request.runtime_packages
                path += [str(packages)] if packages is not None and str(packages) not in path else []
        return path

    @property
    def path_config_dirs(self) -> list[str]:
        """The directories whose `.pth` files run."""
        return [self.place(entry) for entry in self.request.profile.path_config_dirs if _is_mounted(entry)]

    @property
    def environment(self) -> dict[str, str]:
        """Lambda's variables and the function's own; nothing of the user's environment, above all no credentials."""
        profile = self.request.profile
        libraries = [self.place(entry) for entry in profile.library_path if self.confined or _is_mounted(entry)]
        programs = "/var/lang/bin" if self.confined else str(self.interpreter.path.parent)
        # The variables that AWS lists as reserved; the credentials are placeholders, since code may ask for them
        # at import. There is no HOME on Lambda.
        environment = {
            "AWS_ACCESS_KEY_ID": "placeholder",
            "AWS_SECRET_ACCESS_KEY": "placeholder",
            "AWS_SESSION_TOKEN": "placeholder",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{profile.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
            "AWS_LAMBDA_FUNCTION_NAME": "test_function",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/Functions",
            "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": self.place(TASK_ROOT),
            "LANG": "en_US.UTF-8",
            "LC_CTYPE": "C.UTF-8",
            "LD_LIBRARY_PATH": ":".join(libraries),
            "PATH": f"{programs}:/usr/local/bin:/usr/bin/:/bin:{self.place(LAYER_ROOT + '/bin')}",
            "PWD": self.place(TASK_ROOT),
            "PYTHONPATH": "/var/runtime",
            "SHLVL": "0",
            "TZ": ":UTC",
            "_HANDLER": self.request.handler,
        }
        if not self.confined:
            environment["TMPDIR"] = self.place("/tmp")
        return environment | {key: self._value(value) for key, value in self.request.extra_env.items()}

    def _value(self, value: str) -> str:
        """A path of Lambda in a function's own variable leads to the copy; other values stay as they are."""
        return self.place(value) if _is_mounted(value) else value

    def as_on_lambda(self, text: str, standard_library: str) -> str:
        """Puts Lambda's paths back into a message: `/var/task/handler.py` instead of the copy's place."""
        python = "python{}.{}".format(*self.request.profile.python)
        if self.confined:
            text = text.replace(f"{PRIVATE}/probe.py", "/var/runtime/bootstrap.py")
        else:
            if self.request.runtime_packages is not None:
                text = text.replace(str(self.request.runtime_packages), f"/var/lang/lib/{python}/site-packages")
            text = text.replace(str(self.root), "").replace(probe.__file__, "/var/runtime/bootstrap.py")
        if standard_library:
            text = text.replace(standard_library + "/", f"/var/lang/lib/{python}/")
        return text


def _is_mounted(path: str) -> bool:
    return any(path == mount or path.startswith(mount + "/") for mount in (TASK_ROOT, LAYER_ROOT))


def _is_standard_library(path: str) -> bool:
    """`/var/lang/lib/python313.zip`, `/var/lang/lib/python3.13`, `/var/lang/lib/python3.13/lib-dynload`."""
    return path.startswith("/var/lang/lib/python") and not path.endswith("/site-packages")
