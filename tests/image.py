"""Builds the images of the Dockerfile, and runs the portal in its own: `make image`, as root on Debian.

No Docker is needed. buildah carries out the Dockerfile's steps. The portal then runs in its own namespaces of the
kernel: as the image's user, without capabilities and network, on a read-only tree. If the base image cannot be
downloaded, debootstrap makes one of the same Debian from its packages.

Prints how long each step took and how large each layer is. Exits with 1 if anything is not as it should be.
"""

import http.client
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pikepdf

from deploy.health import Portal
from tests import postgres

ROOT = Path(__file__).resolve().parents[1]
NAME = "check.example.ca"
PASSWORD = "quiet-harbour-9"  # of nobody
FAR_AGO = "0"
NOT_IN_SMALL = ("/usr/share/doc", "/usr/share/info", "/usr/share/locale", "/usr/share/man")
BUILDAH = shutil.which("buildah") or "buildah"

SCRIPT = """
set -eu
root=$1; volumes=$2; shift 2
mount --bind "$root" "$root"
mount -t tmpfs -o nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero random urandom; do
  touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" && mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
mount -t proc proc "$root/proc"
for volume in $volumes; do mount --bind "${volume%%:*}" "$root${volume##*:}"; done
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
"""Makes a container's mounts, in a namespace of their own, and runs a command there without rights."""


class Unfit(Exception):
    """The image is not as it should be, or this machine cannot try it; the message says why."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def timed(step: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    say(f"{step}: {time.monotonic() - started:.0f} s")


def require(holds: bool, fault: str) -> None:
    if not holds:
        raise Unfit(fault)


# --- The images -------------------------------------------------------------------


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]

    def buildah(self, command: str, *arguments: str) -> str:
        """Return what a command prints; what went wrong stays in the log."""
        with (self.folder / "log").open("a") as log:
            ended = subprocess.run(
                [BUILDAH, *self.places, command, *arguments],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=False,
            )
            log.write(ended.stdout)
        if ended.returncode:
            raise Unfit(f"buildah {command} failed:\n{(self.folder / 'log').read_text()[-2000:]}")
        return ended.stdout.strip()

    def get_base(self, base: str) -> str:
        """Make the base image available; return where it is from."""
        try:
            self.buildah("pull", f"docker.io/library/{base}")
        except Unfit:
            tree = self.folder / "debian"
            made = ["debootstrap", "--variant=minbase", "bookworm", str(tree)]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
            sources = "".join(
                f"deb http://deb.debian.org/{path} {suite} main\n"
                for path, suite in (
                    ("debian", "bookworm"),
                    ("debian", "bookworm-updates"),
                    ("debian-security", "bookworm-security"),
                )
            )
            (tree / "etc/apt/sources.list").write_text(sources)
            # As in Debian's own small images.
            (tree / "etc/dpkg/dpkg.cfg.d/small").write_text(
                "".join(f"path-exclude {path}/*\n" for path in NOT_IN_SMALL)
            )
            for path in ("/var/cache/apt/archives", *NOT_IN_SMALL):
                shutil.rmtree(f"{tree}{path}", ignore_errors=True)
            container = self.buildah("from", "scratch")
            self.buildah("add", "--quiet", container, str(tree), "/")
            self.buildah("commit", "--quiet", container, f"docker.io/library/{base}")
            return "debootstrap, because it cannot be downloaded here"
        return "the registry"

    def build(self, stage: str) -> None:
        """Carry out the steps of a stage."""
        options = ["--format=docker", "--layers", "--isolation=chroot", "--network=host", "--pull-never"]
        if certificates := os.environ.get("PIP_CERT"):
            # Some networks have their own certificate authority.
            (self.folder / "pip.conf").write_text("[global]\ncert = /etc/network.pem\n")
            options += [f"--volume={certificates}:/etc/network.pem:ro"]
            options += [f"--volume={self.folder}/pip.conf:/etc/pip.conf:ro"]
        self.buildah("bud", *options, f"--target={stage}", f"--tag={stage}", ".")

    def mounted(self, stage: str) -> Path:
        """Return the tree of a stage."""
        return Path(self.buildah("mount", self.buildah("from", "--pull-never", f"localhost/{stage}")))

    def config(self, stage: str) -> dict[str, Any]:
        """Return what the image says about how to run it."""
        image: dict[str, Any] = json.loads(self.buildah("inspect", "--type=image", f"localhost/{stage}"))
        config: dict[str, Any] = image["Docker"]["config"]
        return config | {"history": image["Docker"]["history"]}

    def layers(self, stage: str) -> list[int]:
        """Return the bytes of each layer, the base's first."""
        storage = self.folder / "storage"
        layers = {
            layer["id"]: layer for layer in json.loads((storage / "overlay-layers/layers.json").read_text())
        }
        images = json.loads((storage / "overlay-images/images.json").read_text())
        (top,) = [image["layer"] for image in images if f"localhost/{stage}:latest" in image.get("names", [])]
        sizes = []
        while top:
            sizes.append(int(layers[top].get("diff-size", 0)))
            top = layers[top].get("parent", "")
        return sizes[::-1]


def print_sizes(builder: Builder, stage: str) -> None:
    steps = [
        entry["created_by"] for entry in builder.config(stage)["history"] if not entry.get("empty_layer")
    ]
    sizes = builder.layers(stage)
    say(f"{stage}: {sum(sizes) / 1e6:.0f} MB")
    for size, step in zip(sizes, steps, strict=True):
        words = re.sub(r"/bin/sh -c( #\(nop\))? *|\s+", " ", step).strip()
        say(f"  {size / 1e6:7.1f} MB  {words[:90]}")


# --- The portal in its image ------------------------------------------------------


class Container:
    """The tree of an image, and what is mounted in it."""

    def __init__(
        self, tree: Path, config: dict[str, Any], volumes: dict[Path, str], settings: dict[str, str]
    ) -> None:
        self.tree, self.config, self.volumes = tree, config, volumes
        self.environment = dict(entry.split("=", 1) for entry in config["Env"]) | settings

    def started(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command as the image's user, on a read-only tree, without rights and without a network."""
        user, group = self.config["User"].split(":")
        volumes = " ".join(f"{folder}:{place}" for folder, place in self.volumes.items())
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        inside = ["sh", "-c", f'cd {shlex.quote(self.config["WorkingDir"])} && exec "$@"', "sh", *command]
        return subprocess.Popen(
            [
                *("unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child"),
                *("sh", "-c", SCRIPT, "sh", str(self.tree), volumes),
                *(f"--reuid={user}", f"--regid={group}", "env", "--ignore-environment", *settings, *inside),
            ],
            text=True,
            **options,
        )

    def run(self, *command: str) -> str:
        """Return what a command prints. Raises Unfit if it fails."""
        process = self.started(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=300)
        if process.returncode:
            raise Unfit(f"{' '.join(command)} failed:\n{output[-2000:]}")
        return output


def stop(process: subprocess.Popen[str]) -> None:
    """Ask the command that `unshare` started to stop, and wait for it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    for child in children.split():
        os.kill(int(child), signal.SIGTERM)
    process.wait(timeout=60)


def ask(
    socket: Path, method: str, path: str, form: dict[str, str] | None = None, cookie: str = ""
) -> tuple[http.client.HTTPResponse, bytes]:
    """Ask the portal as nginx does."""
    headers = {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "Cookie": cookie}
    headers |= {"Referer": f"https://{NAME}/", "Content-Type": "application/x-www-form-urlencoded"}
    with patch.dict(os.environ, {"BIND": f"unix:{socket}"}):
        portal = Portal("portal")
        portal.request(method, path, urlencode(form or {}), headers)
        response = portal.getresponse()
        return response, response.read()


def sign_in(socket: Path, email: str) -> None:
    page, text = ask(socket, "GET", "/account/login/")
    cookie = "; ".join(value.split(";")[0] for value in page.headers.get_all("Set-Cookie", []))
    (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', text.decode())
    form = {"csrfmiddlewaretoken": token, "login": email, "password": PASSWORD}
    answer, text = ask(socket, "POST", "/account/login/", form, cookie)
    require(answer.status == 302, f"Signing in answers {answer.status}: {text[:500]!r}")
    cookie = "; ".join(value.split(";")[0] for value in answer.headers.get_all("Set-Cookie", []))
    page, _ = ask(socket, "GET", "/people/", cookie=cookie)
    require("/account/login/" not in page.headers.get("Location", ""), "The portal forgot who signed in")


def serve(container: Container, folder: Path) -> None:
    """Start the image's command, ask it for pages and a PDF, then stop it."""
    socket = folder / "web/web.sock"
    with (folder / "portal.log").open("w") as log:
        server = container.started(*container.config["Cmd"], stderr=log)
        try:
            with timed("From the start until it is ready"):
                ends = time.monotonic() + 120
                check = container.config["Healthcheck"]["Test"][1:]
                while not socket.exists() or container.started(*check, stdout=subprocess.DEVNULL).wait():
                    require(
                        server.poll() is None and time.monotonic() < ends, (folder / "portal.log").read_text()
                    )
            with timed("Signing in"):
                sign_in(socket, "admin@example.ca")
            with timed("The first PDF"):
                answer, text = ask(socket, "GET", "/examples/conversion.pdf")
            require(answer.status == 200, f"A PDF answers {answer.status}")
            with pikepdf.open(io.BytesIO(text)) as pdf:
                say(f"A PDF of {len(pdf.pages)} pages, {len(text):,} bytes")
        finally:
            stop(server)


def run_a_timer(container: Container, folder: Path) -> None:
    """Let the timers run one command whose time has passed."""
    user = int(container.config["User"].split(":")[0])
    for unit in (ROOT / "deploy/systemd").glob("*.timer"):
        stamp = folder / "timers" / unit.stem
        stamp.write_text(FAR_AGO if unit.stem == "portal-purge" else str(time.time() + 3600))
        os.chown(stamp, user, user)
    with (folder / "timers.log").open("w") as log:
        timers = container.started("python", "deploy/timers.py", "/srv/portal/timers", stderr=log, stdout=log)
        ends = time.monotonic() + 120
        while "portal-purge ended" not in (folder / "timers.log").read_text():
            require(time.monotonic() < ends, "The timers ran nothing")
            time.sleep(0.2)
        stop(timers)
    lines = [
        json.loads(line) for line in (folder / "timers.log").read_text().splitlines() if line.startswith("{")
    ]
    require(lines[0]["code"] == 0, f"A timer's command failed: {lines}")
    say(f"{lines[0]['event']} with {lines[0]['code']}")


def try_portal(builder: Builder, folder: Path) -> None:
    """Run the portal in its image: its tables, its pages, a PDF and a timer."""
    tree, config = builder.mounted("portal"), builder.config("portal")
    user = int(config["User"].split(":")[0])
    for name in ("media", "timers", "web"):
        (folder / name).mkdir()
        os.chown(folder / name, user, user)
    with postgres.server() as address:
        (place,) = re.findall(r"host=(.+)", address.replace("%2F", "/"))
        # For the portal's user, who may pass through to the socket.
        Path(place).chmod(0o711)
        container = Container(
            tree,
            config,
            volumes={
                folder / "media": "/srv/portal/media",
                folder / "timers": "/srv/portal/timers",
                folder / "web": "/run/portal",
                Path(place): "/mnt",
            },
            settings={
                "ALLOWED_HOSTS": NAME,
                "SECRET_KEY": "only a trial signs with this",
                "DATABASE_URL": "postgresql://postgres@/postgres?host=/mnt",
                "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
                "EMAIL_URL": "dummy:",
                "PROXIES": "1",
                "TASKS": "database",
                "WEB_PROCESSES": "1",
            },
        )
        refused = container.run("sh", "-c", "touch /x /srv/portal/app/x 2>&1 || true; touch /tmp/x; id -u")
        require(refused.count("Read-only file system") == 2, f"The tree can be written to: {refused}")
        require(refused.split()[-1] == str(user), f"It runs as another user: {refused}")
        with timed("Making the tables"):
            for command in (
                "migrate --noinput",
                "createcachetable",
                "load_editions",
                "createsuperuser --noinput --email admin@example.ca --name Admin",
            ):
                container.run("python", "manage.py", *command.split())
        serve(container, folder)
        run_a_timer(container, folder)
        tools = container.run(
            "sh", "-c", "for name in gcc cc make pip pip3 curl; do command -v $name || true; done"
        )
        require(not tools, f"The image has what the portal does not need: {tools}")


def main() -> int:
    """Build, try, and return the exit code."""
    missing = [name for name in ("buildah", "debootstrap", "unshare", "setpriv") if not shutil.which(name)]
    base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]
    try:
        require(os.geteuid() == 0, "Building an image here needs root")
        require(not missing, f"Install {' '.join(missing)} first: apt-get install buildah debootstrap")
        with tempfile.TemporaryDirectory(prefix="image-", ignore_cleanup_errors=True) as name:
            builder = Builder(Path(name))
            try:
                with timed("The base image"):
                    say(f"{base} is from {builder.get_base(base)}")
                for stage in ("portal", "proxy"):
                    with timed(f"Building {stage}"):
                        builder.build(stage)
                    print_sizes(builder, stage)
                try_portal(builder, Path(name))
            finally:
                subprocess.run(
                    [BUILDAH, *builder.places, "umount", "--all"], check=False, stdout=subprocess.DEVNULL
                )
    except (Unfit, postgres.NoServer) as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
