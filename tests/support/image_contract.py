"""Builds a feature's container image without a registry or a daemon, and checks its contract.

Run `make image-test`, or as root `python -m tests.support.image_contract [FEATURE]`. It needs Debian's
debootstrap and buildah. It takes some minutes and 30 GB of disk below /var/tmp, most of which it frees again.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from serving.feature import find
from tests.support.paths import ROOT

FOLDER = Path("/var/tmp/aikit-image-test")
BASE = "localhost/aikit-base:bookworm"
PACKAGES = "python3,python3-pip,ca-certificates"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
READY_S = 180


def main() -> None:
    feature = sys.argv[1] if sys.argv[1:] else "general_ocr"
    FOLDER.mkdir(parents=True, exist_ok=True)
    storage = FOLDER / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{FOLDER}/images"\nrunroot = "{FOLDER}/run"\n'
    )
    os.environ |= {"CONTAINERS_STORAGE_CONF": str(storage), "BUILDAH_ISOLATION": "chroot"}
    make_base()
    image = build(feature)
    try:
        check_configuration(image, feature)
        with container(image) as name:
            check_contents(name)
            for user in ("0", "65534"):  # 65534 stands for Lambda, where the user is not root
                check_contract(name, feature, user)
    finally:
        run("buildah", "rmi", "--force", image)
    say("passed")


def make_base() -> None:
    """Makes an image of Debian with Python and pip, which replaces python:3.11-slim."""
    if run("buildah", "images", "--quiet", "--filter", f"reference={BASE}"):
        return
    say("making a base image")
    root = FOLDER / "rootfs"
    run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root))
    name = run("buildah", "from", "scratch")
    run("buildah", "add", "--quiet", name, str(root), "/")
    # The machine's certificates may include a proxy's. pip must be allowed to install into Debian's Python.
    run("buildah", "add", "--quiet", name, CERTIFICATES, CERTIFICATES)
    settings = (
        f"PIP_CERT={CERTIFICATES}",
        f"NODE_EXTRA_CA_CERTS={CERTIFICATES}",
        "PIP_BREAK_SYSTEM_PACKAGES=1",
    )
    run("buildah", "config", *(word for setting in settings for word in ("--env", setting)), name)
    run("buildah", "commit", "--rm", name, BASE)
    shutil.rmtree(root)


def build(feature: str) -> str:
    """Builds the image with ./build.sh, and returns its name."""
    say(f"building {feature}")
    start = time.monotonic()
    command = ["./build.sh", feature, "--engine", "buildah", "--base", BASE, "--tag", "image-test"]
    log = FOLDER / "build.log"
    with log.open("w") as file:
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"build.sh: exit code {done.returncode}; see {log}")
    say(f"built in {time.monotonic() - start:.0f} s")
    return log.read_text().splitlines()[-1]


def check_configuration(image: str, feature: str) -> None:
    config = json.loads(run("buildah", "inspect", "--type", "image", image))["OCIv1"]["config"]
    labels = config["Labels"]
    start = config["Entrypoint"], config["Cmd"]
    check("the entry point has the exec form", start == (["aikit"], ["serve"]))
    check("any port may be set", labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true")
    check("the labels name the feature", labels["org.opencontainers.image.title"] == feature)
    names = (
        "org.opencontainers.image.version",
        "org.opencontainers.image.revision",
        "aikit.weights.licenses",
    )
    check("the labels name version, revision and licences", all(labels.get(name) for name in names))


def check_contents(name: str) -> None:
    def within(command: str) -> str:
        return run("buildah", "run", name, "--", "sh", "-c", command)

    check("there is no compiler", not within("command -v gcc cc g++ || true"))
    check("pip left no cache", not within("ls /root/.cache 2>/dev/null || true"))
    unreadable = within("find /opt/program /opt/weights ! -perm -o=r -print -quit")
    check("every user may read program and weights", not unreadable)
    packages = within("cat /opt/program/SBOM.txt").splitlines()
    check(f"SBOM.txt lists {len(packages)} packages", any(line.startswith("torch==") for line in packages))
    say(f"{int(within('du -sm --exclude=/proc --exclude=/sys / 2>/dev/null | cut -f1')) / 1000:.1f} GB")


def check_contract(name: str, feature: str, user: str) -> None:
    """Checks `serve` as an argument, /ping, /invocations, an error, and the stop by SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.monotonic()
    options = ("--user", user, "--env", f"SAGEMAKER_BIND_TO_PORT={port}", "--env", "HOME=/tmp")
    command = ["buildah", "run", *options, name, "--", "aikit", "serve"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(FOLDER / "serve.log").open("w"))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        wait_until_ready(client, process)
        say(f"user {user}: ready after {time.monotonic() - start:.1f} s")
        reply = client.post("/invocations", json=find(feature).example["request"])
        check(f"user {user}: the example gets status 200", reply.status_code == 200)
        malformed = client.post("/invocations", content=b"{")
        check("a malformed request gets status 400", malformed.status_code == 400)
    server = server_below(process.pid)
    check(f"user {user}: the front process exists", server > 0)
    os.kill(server, signal.SIGTERM)
    check("SIGTERM ends it with exit code 0", process.wait(timeout=60) == 0)


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        with suppress(httpx.TransportError):
            if client.get("/ping").status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"/ping: not ready within {READY_S} s, or the server ended; see {FOLDER / 'serve.log'}")


def server_below(pid: int) -> int:
    """Returns the front process among the descendants of `buildah run`, or 0 when there is none.

    The command lines of buildah's own processes name the front's command, too.
    """
    below = run("ps", "--no-headers", "-o", "pid", "--ppid", str(pid), check=False).split()
    for child in map(int, below):
        program, *_ = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        if "python" in program:
            return child
        if found := server_below(child):
            return found
    return 0


@contextmanager
def container(image: str) -> Iterator[str]:
    name = run("buildah", "from", image)
    try:
        yield name
    finally:
        run("buildah", "rm", name)


def run(*command: str, check: bool = True) -> str:
    """Returns the command's output. Raises `SystemExit` with its errors when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def check(claim: str, holds: bool) -> None:
    """Prints the claim with its result, and ends the program when it does not hold."""
    say(f"{'ok   ' if holds else 'WRONG'} {claim}")
    if not holds:
        raise SystemExit(1)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
