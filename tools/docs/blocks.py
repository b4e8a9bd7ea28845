"""The command blocks of a page: run as a reader would run them, and held against what the page says they print.

A page is a session in an empty folder. A code block with `title="FILE"` writes that file, a `console` block runs its
lines that begin with `$ `, one after the other; the lines below are what they print. `{ .console exit="1" }` ends with
that status. Blocks of other languages are not run. `…` in a page stands for anything, as do hashes, times and sizes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(?:\{ )?\.?(?P<language>[\w-]*)(?P<rest>[^\n`}]*)(?: ?\})?\n(?P<body>.*?)^```$", re.M | re.S)
_TITLE = re.compile(r'title="([^"]+)"')
_EXIT = re.compile(r"exit=\"?(\d+)")
_VARIABLE = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "…"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:s|ms|B|KB|MB|%)(?![\w])"), "…"),
    (re.compile(r"\b\d{1,3}(?:,\d{3})+ bytes"), "…"),
    (re.compile(r"CPython 3\.\d+\.\d+ \([^)]*\)"), "CPython …"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page. `file`: what it writes. `commands`: what it runs, each with the lines it is said to print."""

    start: int
    end: int
    file: str | None
    body: str
    commands: tuple[tuple[str, str], ...]
    status: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command that was run: what it printed on both streams, and its exit status."""

    command: str
    expected: str
    printed: str
    status: int
    wanted: int

    @property
    def as_told(self) -> bool:
        """Whether the page tells the truth."""
        return self.status == self.wanted and comparable(self.printed) == comparable(self.expected)


def read_blocks(text: str) -> Iterator[Block]:
    """Yields the blocks of a page that write or run something, in order."""
    for match in _FENCE.finditer(text):
        title = _TITLE.search(match["rest"])
        status = _EXIT.search(match["rest"])
        commands = tuple(_commands(match["body"])) if match["language"] == "console" else ()
        if title or commands:
            file = title[1] if title else None
            yield Block(
                match.start("body"), match.end("body"), file, match["body"], commands, int(status[1]) if status else 0
            )


def _commands(body: str) -> Iterator[tuple[str, str]]:
    command: list[str] = []
    printed: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield "\n".join(command), "\n".join(printed)
            command, printed = [line[2:]], []
        elif command and command[-1].endswith("\\"):
            command.append(line)
        else:
            printed.append(line)
    if command:
        yield "\n".join(command), "\n".join(printed)


def run_page(text: str, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Block, list[Outcome]]]:
    """Runs a page in a folder, which should be empty; yields each block with what became of its commands."""
    for block in read_blocks(text):
        if block.file is not None:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body, encoding="utf-8")
        outcomes = []
        for index, (command, expected) in enumerate(block.commands):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env={**os.environ, **environment, "NO_COLOR": "1", "COLUMNS": ""},  # a page folds lines itself
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            wanted = block.status if index == len(block.commands) - 1 else 0
            outcomes.append(Outcome(command, expected, done.stdout.rstrip("\n"), done.returncode, wanted))
        yield block, outcomes


def comparable(text: str) -> str:
    """What is left of a command's output without what changes from run to run."""
    for pattern, sign in _VARIABLE:
        text = pattern.sub(sign, text)
    return text.strip()


def renewed(text: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Returns a page with what its commands print now."""
    made = text
    for block, outcomes in reversed(list(run_page(text, folder, environment))):
        if outcomes:
            lines = [line for item in outcomes for line in (f"$ {item.command}", item.printed) if line]
            made = made[: block.start] + "\n".join(lines) + "\n" + made[block.end :]
    return made
