"""A file that the function starts as a program cannot be started.

What it finds
    Calls of `subprocess` (`run`, `check_output`, `Popen` ...) and `os.exec*` in your own modules whose program is a
    file of the artifact: it lacks the execute permission, it is built for another processor, it is a script with
    Windows line ends, or it is neither a program nor a script with `#!`. The path is followed through `os.path`,
    `pathlib`, `__file__` and names that are bound once.

Why it fails on Lambda
    "PermissionError: [Errno 13] Permission denied: '/var/task/bin/tool'", "OSError: [Errno 8] Exec format error". The
    permissions are those in the ZIP. Python's `zipfile.writestr`, Windows and some build tools store none, and nothing
    can be changed later: /var/task and /opt are read-only.

How to fix it
    `chmod 755 bin/tool` before it is packed, with a tool that keeps modes (`zip`, `lambdapack build`);
    `git update-index --chmod=+x bin/tool` where the file comes out of Git. At run time, only a copy in /tmp can be made
    executable.

When to ignore it
    When it is only a warning, and the call is not reached, or something catches its error.
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdapack.checking import Hit, Severity, Subject, check

_FIXES = {
    "not-executable": "chmod 755 {name} before it is packed, with a tool that keeps modes",
    "wrong-machine": "put the program for {machine} into its place",
    "no-interpreter": "give the script Unix line ends: sed -i 's/\\r$//' {name}",
    "not-a-program": "begin the script with #! and its interpreter, or start the interpreter with it",
}


@check("ELF011", "is started and cannot be executed", needs=("handler",), severities=("error", "warning"))
def cannot_be_executed(subject: Subject) -> Iterator[Hit]:
    said = set()
    # Certain ones first: a file is told of once.
    for command, refusal in sorted(subject.refused_commands, key=lambda item: item[0].when == "perhaps"):
        if command.program in said:
            continue
        said.add(command.program)
        certain = command.when != "perhaps"
        when = {"import": "when the handler is imported", "invocation": "whenever the function is called"}
        yield Hit(
            path=command.program,
            message=f"{refusal.detail}; {command.path}, line {command.line}, starts it"
            + (f" {when[command.when]}" if certain else "")
            + f" ([Errno {refusal.errno}] {refusal.says})",
            fix=_FIXES[refusal.kind].format(
                name=command.program.rpartition("/")[2], machine=subject.profile.architecture
            ),
            evidence={
                "kind": refusal.kind,
                "mode": None if refusal.mode is None else f"{refusal.mode:04o}",
                "started_by": command.path,
                "line": command.line,
                "when": command.when,
            },
            severity=Severity.ERROR if certain else Severity.WARNING,
            chain=(*command.chain, command.program),
        )
