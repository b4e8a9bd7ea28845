"""Turns a Debian root file system with a Python in it into the layout of the official Lambda base image.

Knows where things stand in that image: `/var/lang`, `/var/runtime`, `/var/task`, `/opt`, the entry point, its
environment. The texts here are our own and do what the image's do.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lambdapack.profiles import RuntimeProfile

# aws/aws-lambda-base-images, Dockerfile of every Python branch.
ENVIRONMENT = {
    "LANG": "en_US.UTF-8",
    "TZ": ":/etc/localtime",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}
ENTRYPOINT = "/lambda-entrypoint.sh"
EMULATOR = "usr/local/bin/aws-lambda-rie"

_UNUSED = ("doc", "man", "locale", "info", "lintian", "bash-completion", "perl5", "pixmaps", "applications")

_ENTRYPOINT = """\
#!/bin/sh
[ $# -eq 1 ] || { echo "entrypoint requires the handler name to be the first argument" >&2; exit 142; }
export _HANDLER="$1"
[ -n "$AWS_LAMBDA_RUNTIME_API" ] && exec /var/runtime/bootstrap
exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
"""

_BOOTSTRAP = """\
#!/bin/bash
export AWS_EXECUTION_ENV=AWS_Lambda_{runtime}
exec ${{AWS_LAMBDA_EXEC_WRAPPER:+"$AWS_LAMBDA_EXEC_WRAPPER"}} /var/lang/bin/{runtime} /var/runtime/bootstrap.py
"""

_BOOTSTRAP_PY = """\
# Stand-in for the runtime's own: the same search path in the same order, then the runtime client.
import os
import site
import sys

import awslambdaric.__main__ as client

task = os.environ["LAMBDA_TASK_ROOT"]
layers = ["/opt/python/lib/{runtime}/site-packages", "/opt/python"]
own = "PYTHONPATH" in os.environ
if not own:
    sys.path[0:0] = layers + {packages!r}
sys.path.insert(0, task)
site.addsitedir(task)
if not own:
    for folder in layers:
        site.addsitedir(folder)
    os.environ["PYTHONPATH"] = os.environ["LAMBDA_RUNTIME_DIR"]
client.main([task, os.environ["_HANDLER"]])
"""

# Debian's `site` is frozen into its interpreters from 3.11 on, so what Debian changed is changed back at start-up.
_SITECUSTOMIZE = """\
import site
import sys

_packages = "%s/lib/python%d.%d/site-packages" % (sys.prefix, *sys.version_info[:2])
sys.path[:] = [entry for entry in sys.path if not entry.endswith("dist-packages")]
if sys.prefix == sys.base_prefix:
    site.getsitepackages = lambda prefixes=None: [_packages]
    site.addsitedir(_packages)
"""

_PIP = """\
#!/var/lang/bin/{runtime}
import sys

from pip._internal.cli.main import main

sys.exit(main())
"""

_ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "group": "root:x:0:\nslicer:x:990:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def packages_folder(profile: RuntimeProfile) -> str:
    """Returns where the runtime keeps its client and SDK: the first of its own folders on `sys.path`."""
    own = ("/var/lang/", "/var/runtime")
    return next(folder for folder in profile.python_path if folder.startswith(own) and not folder.endswith(".zip"))


def arrange(root: Path, profile: RuntimeProfile) -> None:
    """Moves and writes what makes a Debian root file system look like the runtime's image."""
    _merge_lib64(root, f"{profile.machine}-linux-gnu")
    _move_python(root, profile.runtime)
    for folder in ("var/task", "var/runtime", "opt", "tmp", "usr/local/bin", "proc", "sys", "dev", "root", "run"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    packages = packages_folder(profile)
    texts = {
        "lambda-entrypoint.sh": _ENTRYPOINT,
        "var/runtime/bootstrap": _BOOTSTRAP.format(runtime=profile.runtime),
        "var/runtime/bootstrap.py": _BOOTSTRAP_PY.format(
            runtime=profile.runtime, packages=[packages] if packages != "/var/runtime" else []
        ),
        f"var/lang/lib/{profile.runtime}/sitecustomize.py": _SITECUSTOMIZE,
        "var/lang/bin/pip": _PIP.format(runtime=profile.runtime),
    }
    for name, text in texts.items():
        (root / name).write_text(text, encoding="ascii")
    for name in ("lambda-entrypoint.sh", "var/runtime/bootstrap", "var/lang/bin/pip"):
        (root / name).chmod(0o755)
    for name, text in _ETC.items():
        (root / "etc" / name).write_text(text, encoding="ascii")
    localtime = root / "etc/localtime"
    localtime.unlink(missing_ok=True)
    localtime.symlink_to("/usr/share/zoneinfo/UTC")
    _trim(root)


def _merge_lib64(root: Path, multiarch: str) -> None:
    """Makes `/lib64` another name of Debian's library folder: then the loader's messages read as on Amazon Linux."""
    lib64 = root / "usr/lib64"
    for entry in lib64.iterdir():
        entry.unlink()  # the loader's link, which the folder it becomes has, too
    lib64.rmdir()
    lib64.symlink_to(f"lib/{multiarch}")


def _move_python(root: Path, runtime: str) -> None:
    lang = root / "var/lang"
    library = lang / "lib" / runtime
    for folder in ("bin", "lib"):
        (lang / folder).mkdir(parents=True)
    (root / "usr/lib" / runtime).rename(library)
    (root / "usr/bin" / runtime).rename(lang / "bin" / runtime)
    for name, target in (("python3", runtime), ("python", "python3")):
        (root / "usr/bin" / name).unlink(missing_ok=True)
        (lang / "bin" / name).symlink_to(target)
    for name in ("EXTERNALLY-MANAGED", "sitecustomize.py"):
        (library / name).unlink(missing_ok=True)  # a link to a file in /etc, in Debian
    sysconfig = library / "sysconfig.py"
    if not sysconfig.is_file():
        sysconfig = library / "sysconfig/__init__.py"
    _change(library / "site.py", "dist-packages", "site-packages")
    _change(sysconfig, "prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
    (library / "site-packages").mkdir()


def _change(path: Path, old: str, new: str) -> None:
    path.write_text(re.sub(re.escape(old), new, path.read_text("utf-8")), encoding="utf-8")


def _trim(root: Path) -> None:
    """Leaves out documentation and translations: half of the size."""
    for name in _UNUSED:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    for folder in (root / "usr/lib").glob("*-linux-gnu/gconv"):
        for path in folder.glob("*.so"):
            path.unlink()
