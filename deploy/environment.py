"""Makes the Python environment that every command runs in. Needs nothing but the Python it is run with.

Written so that an old Python can read it far enough to say that it is too old.
"""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INSTALLATION_BYTES = 1500 * 1024 * 1024
DATA_BYTES = 100 * 1024 * 1024


def stop(message):
    """Ends with one line that says what to do."""
    sys.stderr.write(message + "\n")
    sys.exit(1)


def find_uv():
    """uv from the PATH, else from a small environment of its own under .cache."""
    found = shutil.which("uv")
    if found:
        return found
    home = os.path.join(ROOT, ".cache", "uv")
    uv = os.path.join(home, "bin", "uv")
    if not os.path.exists(uv):
        print("Installing uv, the package installer, into .cache/uv ...", flush=True)
        if subprocess.call([sys.executable, "-m", "venv", home]) != 0:
            stop("Python's venv module is missing. On Debian: apt-get install python3-venv")
        pip = os.path.join(home, "bin", "pip")
        if subprocess.call([pip, "install", "--quiet", "--disable-pip-version-check", "uv"]) != 0:
            stop("uv could not be installed from PyPI. Check the network, or put uv on the PATH, and try again.")
    return uv


def check_data(folder):
    """The folder that a command is to keep its data in can be written, and has room."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as problem:
        stop("The folder %s cannot be made (%s). Name another: make demo DATA=folder" % (folder, problem.strerror))
    if not os.access(folder, os.W_OK | os.X_OK):
        stop("The folder %s cannot be written. Change its owner, or name another: make demo DATA=folder" % folder)
    if shutil.disk_usage(folder).free < DATA_BYTES:
        stop(
            "The disk of %s is nearly full: 100 MB are needed. Free some room, or name another: make demo DATA=folder"
            % folder
        )


def main():
    if sys.version_info < (3, 11):
        stop(
            "Bursar needs Python 3.11 or newer; this is %d.%d. Set PYTHON=python3.11 (or newer)." % sys.version_info[:2]
        )
    if "--data" in sys.argv:
        check_data(sys.argv[sys.argv.index("--data") + 1])
    environment = os.path.join(ROOT, ".venv")
    if not os.access(environment if os.path.exists(environment) else ROOT, os.W_OK):
        stop("The folder %s cannot be written. Clone to a folder of yours, or change its owner." % ROOT)
    if not os.path.exists(environment) and shutil.disk_usage(ROOT).free < INSTALLATION_BYTES:
        stop("The disk is nearly full: the installation needs 1.5 GB. Free some room and try again.")
    uv = find_uv()
    first = not os.path.exists(environment)
    if first:
        print("Installing the packages of uv.lock into .venv (about half a minute) ...", flush=True)
    command = [uv, "sync", "--locked", "--quiet", "--project", ROOT, "--python", sys.executable]
    if "--dev" not in sys.argv:
        command += ["--no-dev", "--inexact"]
    if subprocess.call(command, cwd=ROOT) != 0:
        stop("The packages could not be installed; the lines above say why. Check network and disk, then try again.")


if __name__ == "__main__":
    main()
