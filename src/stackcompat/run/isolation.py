"""How far a cell is closed: which means this machine has, and the sandbox of bubblewrap.

In the sandbox the tests see only what they need: the system's programs and libraries, their interpreter, their
environment, pytest, the suite, and the files between them and the supervising process. All of it can only be read, but
for the environment (see :mod:`stackcompat.run.layer`) and folders whose content the supervising process asks for. Home
and temporary folders are in memory, bounded, and gone with the process. Processes, network, host name, shared memory
and users are those of the sandbox, which ends as a whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from stackcompat.core.errors import UsageError
from stackcompat.run.job import IsolationChoice, Job
from stackcompat.run.sandbox import INSIDE, network_can_be_cut

__all__ = [
    "HOME_MB",
    "HOW_TO_CLOSE",
    "IsolationLevel",
    "Means",
    "Sandbox",
    "find_means",
    "interpreter_folders",
    "level_of",
    "open_sandbox",
]

#: How far a cell is closed. ``bubblewrap``: see this module. ``namespaces``: only the network is cut. ``open``: tests
#: are ordinary processes of the user.
IsolationLevel = Literal["bubblewrap", "namespaces", "open"]

#: What a person can do to get the sandbox.
HOW_TO_CLOSE = "install bubblewrap (`apt-get install bubblewrap`) and let this user make namespaces"

#: The size in MB of the home folder of the tests, of ``/tmp`` and of shared memory, each.
HOME_MB = 2048

#: The user and the group inside the sandbox: those that own nothing.
_NOBODY = "65534"

_LAYER = Path(__file__).with_name("layer.py")

#: What every process of the system may read. Of ``/etc`` it is what libraries look up, and nothing that is secret.
_SYSTEM = ("/usr", "/nix/store", "/gnu/store")
_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    *("alternatives", "ca-certificates", "crypto-policies", "fonts", "gai.conf", "group", "host.conf", "hostname"),
    *("hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "mime.types"),
    *("nsswitch.conf", "os-release", "passwd", "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs", "protocols"),
    *("resolv.conf", "services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "timezone"),
)
_OF_MACHINE = ("/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage")

#: Files of the system that belong to root, as which the engine can run: they can only be read, or are hidden.
_READ_ONLY_PROC = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "mtrr")
_HIDDEN_PROC = ("kcore", "keys", "kmsg", "kpagecount", "kpageflags", "kpagecgroup", "timer_list")

#: The devices of accelerators.
_DEVICES = ("nvidia*", "accel*", "vfio", "dri", "kfd", "infiniband", "apex_*")
_OF_ACCELERATORS = ("/sys", "/opt", "/etc/OpenCL", "/etc/vulkan", "/run/nvidia-persistenced", "/lib/firmware")

#: The folders of an interpreter that belong to it, wherever it is installed.
_OF_INTERPRETER = ("bin", "lib", "lib64", "include", "share")


class Means(NamedTuple):
    """What this machine has to close a cell.

    Attributes:
        bubblewrap: The path of bubblewrap; empty if it is missing or does not work here.
        layers: Whether a sandbox can have a changeable view of a folder. If not, environments are copied.
        network: Whether the network can be cut without bubblewrap.
    """

    bubblewrap: str
    layers: bool
    network: bool

    @property
    def best(self) -> IsolationLevel:
        """The most that can be done."""
        return "bubblewrap" if self.bubblewrap else "namespaces" if self.network else "open"


def find_means(folder: Path | None = None) -> Means:
    """Try what this machine has.

    Args:
        folder: A folder on the disk of the environments, for files of the trial; None: somewhere.
    """
    if not sys.platform.startswith("linux"):
        return Means("", layers=False, network=False)
    found = shutil.which("bwrap") or ""
    bubblewrap, layers = "", False
    if found:
        with tempfile.TemporaryDirectory(prefix="stackcompat-trial-", dir=folder) as name:
            environment = Path(name, "environment")
            environment.mkdir()
            # A whole sandbox is tried: what an older bubblewrap does not know, or a system does not allow, it refuses.
            sandbox = Sandbox(found, environment, layer=None, home=Path(name, "home"))
            bubblewrap = found if _succeeds(sandbox.command(["true"])) else ""
            layers = bubblewrap != "" and _succeeds(
                [sys.executable, "-I", "-S", str(_LAYER), "--check", f"{name}/layer"]
            )
    return Means(bubblewrap, layers, network_can_be_cut())


def _succeeds(command: Sequence[str]) -> bool:
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode == 0


def level_of(choice: IsolationChoice, means: Means, *, accelerated: bool = False) -> IsolationLevel:
    """How far a cell is closed.

    Args:
        choice: What was asked for.
        means: What this machine has.
        accelerated: Whether its tests use an accelerator. How drivers find it differs from machine to machine, so that
            such a cell is in a sandbox only if somebody asks for one.

    Raises:
        UsageError: A closed sandbox was asked for, and this machine has none.
    """
    if choice == "strict" and not means.bubblewrap:
        raise UsageError(f"--isolation strict: this machine has no closed sandbox; {HOW_TO_CLOSE}, or choose auto")
    if choice == "strict" or (choice == "auto" and not accelerated):
        return means.best
    return "namespaces" if choice != "open" and means.network else "open"


@dataclass(frozen=True)
class Sandbox:
    """The sandbox of a cell. Each of its processes has one of its own.

    Attributes:
        bubblewrap: The path of bubblewrap.
        environment: The folder of the environment.
        layer: The folder for what tests change in the environment; None if the environment is a copy of this cell.
        home: The home folder of the tests. It is in memory.
        temporary_mb: The most that each of the folders in memory can hold, in MB.
        readable: Further files and folders that the tests can read.
        writable: Files and folders that the tests can write to.
        devices: Devices that they can use.
    """

    bubblewrap: str
    environment: Path
    layer: Path | None
    home: Path
    temporary_mb: int = HOME_MB
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()

    def command(
        self,
        command: Sequence[str],
        readable: Iterable[Path] = (),
        writable: Iterable[Path] = (),
        start: Path | None = None,
    ) -> list[str]:
        """The command that runs another one in the sandbox.

        Args:
            command: The command.
            readable: Further files and folders that this command can read. They exist.
            writable: Files and folders that it can write to. They exist.
            start: The folder that it starts in; None: its home.
        """
        size = str(self.temporary_mb * 2**20)
        arguments = [self.bubblewrap, *_own_namespaces(), *_system()]
        arguments += ["--proc", "/proc"]
        for name in _READ_ONLY_PROC:
            arguments += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
        for name in _HIDDEN_PROC:
            if Path("/proc", name).exists():
                arguments += ["--ro-bind", os.devnull, f"/proc/{name}"]
        arguments += ["--dev", "/dev"]
        for folder in ("/dev/shm", "/tmp", "/var/tmp"):  # noqa: S108  (those of the sandbox)
            arguments += ["--size", size, "--tmpfs", folder]
        for device in self.devices:
            arguments += ["--dev-bind-try", str(device), str(device)]
        arguments += ["--remount-ro", "/dev"]  # it is in memory, too, and would have no bound
        # What lies in another folder comes after it.
        for path in sorted({*self.readable, *readable}, key=lambda path: len(path.parts)):
            arguments += ["--ro-bind-try", str(path), str(path)]
        arguments += ["--size", size, "--tmpfs", str(self.home), "--dir", str(self.home / "tmp")]
        for path in (self.environment, *self.writable, *writable):
            arguments += ["--bind", str(path), str(path)]
        arguments += ["--remount-ro", "/", "--chdir", str(start or self.home), "--", *command]
        if self.layer is None:
            return arguments
        return [sys.executable, "-I", "-S", str(_LAYER), str(self.environment), str(self.layer), *arguments]


def _own_namespaces() -> list[str]:
    """Everything that can be apart is apart; nobody is root; the sandbox ends with the process that started it."""
    return ["--unshare-all", "--uid", _NOBODY, "--gid", _NOBODY, "--die-with-parent"]


def _system() -> list[str]:
    """The arguments that show the system's programs, libraries and settings."""
    arguments = []
    for name in _MERGED:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        else:
            arguments += ["--ro-bind-try", name, name]
    for name in (*_SYSTEM, *(f"/etc/{name}" for name in _ETC), *_OF_MACHINE):
        arguments += ["--ro-bind-try", name, name]
    return arguments


def open_sandbox(
    job: Job,
    env_python: Path,
    interpreter: Sequence[Path],
    harness: Path,
    means: Means,
    environ: Mapping[str, str] = os.environ,
) -> Sandbox:
    """The sandbox of a cell whose environment is installed.

    Args:
        job: The job.
        env_python: The Python executable of the environment.
        interpreter: The folders of its interpreter (:func:`interpreter_folders`).
        harness: The folder with pytest.
        means: What this machine has. It has bubblewrap.
        environ: The variables of the caller, of which those about certificates name files.
    """
    environment = env_python.parent.parent
    readable = [harness, INSIDE, job.suite, *([job.helpers] if job.helpers else []), *interpreter]
    readable += [Path(value) for name, value in environ.items() if name in ("SSL_CERT_FILE", "SSL_CERT_DIR") and value]
    devices: list[Path] = []
    if job.hardware.accelerated:
        devices = [device for pattern in _DEVICES for device in sorted(Path("/dev").glob(pattern))]
        readable += map(Path, _OF_ACCELERATORS)
        libraries = job.hardware.variables.get("LD_LIBRARY_PATH", "").split(os.pathsep)
        readable += [Path(folder) for folder in libraries if folder.startswith("/")]
    return Sandbox(
        bubblewrap=means.bubblewrap,
        environment=environment,
        layer=job.folder / "layer" if means.layers else None,
        home=job.folder / "home",
        readable=tuple(dict.fromkeys(readable)),
        devices=tuple(devices),
    )


def interpreter_folders(env_python: Path) -> list[Path]:
    """The folders of the interpreter that an environment is made from, by the names that they are reached by.

    Args:
        env_python: The Python executable of the environment. It is empty: what is installed can write over the file
            that names the interpreter, and would choose what its tests can read.
    """
    prefixes = [env_python.resolve().parent.parent]
    settings = env_python.parent.parent / "pyvenv.cfg"
    if settings.is_file():
        for line in settings.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home":
                home = Path(value.strip())
                prefixes += [home.parent, home.resolve().parent]
    return [
        prefix / name
        for prefix in dict.fromkeys(prefixes)
        if prefix not in (Path("/"), Path("/usr"))
        for name in _OF_INTERPRETER
        if (prefix / name).is_dir()
    ]
