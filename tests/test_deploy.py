"""Everything that deploy/ names exists, and its files do what they say."""

import http.client
import inspect
import os
import re
import runpy
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import get_commands
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from ruamel.yaml import YAML

from assessments.operations import metrics
from assessments.operations.command_runs import UNITS as UNITS_OF
from assessments.pdf import press

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
COMMANDS = get_commands()
NAME = "check.example.ca"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


# --- systemd ----------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_command_of_a_unit_is_one_of_ours(unit):
    for command in re.findall(r"manage\.py (\w+)", unit.read_text()):
        assert command in COMMANDS


def test_every_timer_has_its_service_and_the_other_way_round():
    names = {unit.name for unit in UNITS}
    timers = {unit.stem for unit in UNITS if unit.suffix == ".timer"}
    assert timers == {unit.stem for unit in UNITS if "Type=oneshot" in unit.read_text()}
    assert {f"{name}.service" for name in timers} <= names


def test_the_steps_turn_on_every_unit_there_is():
    steps = (DEPLOY / "README.md").read_text()
    (timers,) = re.findall(r"systemctl enable --now portal-{(.+)}\.timer", steps)
    named = {f"portal-{timer}.timer" for timer in timers.split(",")}
    assert named == {unit.name for unit in UNITS if unit.suffix == ".timer"}
    for unit in ("portal-web", "portal-worker@1"):
        assert f"systemctl enable --now {unit}" in steps


def test_the_page_for_operators_names_every_command_that_a_timer_runs():
    page = (DEPLOY / "operating.md").read_text()
    for unit in UNITS:
        if "Type=oneshot" in unit.read_text():
            for command in re.findall(r"manage\.py (\w+)", unit.read_text()):
                assert f"| `manage.py {command}" in page, command


def test_each_timers_command_that_fails_or_hangs_tells_the_operator():
    assert "manage.py report_failure %i\n" in (DEPLOY / "systemd" / "portal-failed@.service").read_text()
    for unit in UNITS:
        text = unit.read_text()
        if "Type=oneshot" in text:
            (command,) = re.findall(r"manage\.py (\w+)", text)
            assert f"\nOnFailure=portal-failed@{command}.service\n" in text
            assert re.search(r"\nTimeoutStartSec=\d+(?:min|h)\n", text)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_no_fault_in_the_units(tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace("/srv/portal/app", str(DEPLOY.parent))
        (tmp_path / unit.name.replace("@.", "@1.")).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", ["portal-web", "portal-worker@", "portal-render"])
def test_who_prints_is_asked_to_stop_alone_so_that_its_printing_process_can_end_the_document(name):
    assert "\nKillMode=mixed\n" in (DEPLOY / "systemd" / f"{name}.service").read_text()


def test_no_service_can_read_the_history_of_the_code():
    for unit in UNITS:
        if unit.suffix == ".service":
            assert "\nInaccessiblePaths=-/srv/portal/app/.git\n" in unit.read_text(), unit.name


def test_the_files_with_secrets_are_for_root_and_the_portal_alone():
    steps = (DEPLOY / "README.md").read_text()
    for file, owner, mode in (("environment", "root:portal", "0640"), ("owner", "root:root", "0600")):
        assert f"chown {owner} /etc/portal/{file} && chmod {mode} /etc/portal/{file}" in steps
    for unit in UNITS:
        if unit.suffix == ".service":
            assert "/etc/portal/owner" not in unit.read_text(), unit.name


def test_a_strict_umask_keeps_no_code_from_the_services():
    documents = [DEPLOY / "README.md", DEPLOY.parent / "UPGRADE.md"]
    blocks = re.findall(r"```sh\n(.+?)```", "".join(path.read_text() for path in documents), re.DOTALL)
    with_code = [block for block in blocks if re.search(r"git (?:\S+ )*(?:clone|checkout) ", block)]
    assert len(with_code) == 6
    for block in with_code:
        assert "umask 022" in block.partition("git ")[0], block


# --- Prometheus -------------------------------------------------------------------

RULES = DEPLOY / "prometheus-alerts.yml"


def figures() -> set[str]:
    """The names of all figures. They are made from the database, which is another test's matter."""
    names = re.findall(r'_gauge\(\s*"(\w+)"', inspect.getsource(metrics))
    return {f"portal_{name}" for name in names} | {
        f"portal_command_{name}" for name in re.findall(r'\("(\w+)", "', inspect.getsource(metrics._commands))
    }


def test_every_alert_asks_for_figures_and_commands_that_exist():
    (group,) = YAML(typ="safe").load(RULES)["groups"]
    for rule in group["rules"]:
        assert set(re.findall(r"portal_\w+", rule["expr"])) <= figures(), rule["alert"]
        for commands in re.findall(r'command=~?"([^"]+)"', rule["expr"]):
            assert set(commands.split("|")) <= UNITS_OF.keys(), rule["alert"]
    assert len(group["rules"]) > 5


def test_the_page_for_operators_names_every_figure():
    page = (DEPLOY / "operating.md").read_text()
    assert set(re.findall(r"`(portal_\w+)`", page)) == figures()


# --- gunicorn ---------------------------------------------------------------------


def gunicorn() -> dict[str, Any]:
    return runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))


def test_gunicorn_names_a_setting_that_is_wrong_in_a_line():
    command = [sys.executable, "-m", "gunicorn", "--check-config", "--config", "deploy/gunicorn.conf.py"]
    environment = {"SECRET_KEY": "long and random", "BIND": "127.0.0.1:0", "EMAIL_URL": "mail.example.ca:587"}
    checked = subprocess.run(
        [*command, "config.wsgi"],
        cwd=DEPLOY.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert re.fullmatch(r"EMAIL_URL [^\n]*\n", checked.stderr), checked.stderr


def test_who_waits_for_a_pdf_leaves_threads_for_everybody_else():
    assert gunicorn()["threads"] >= 2 * press.MAX_QUEUE


def test_whoever_waits_waits_longer_than_what_is_waited_for():
    settings = gunicorn()
    unit = (DEPLOY / "systemd" / "portal-web.service").read_text()
    (stop,) = map(int, re.findall(r"TimeoutStopSec=(\d+)", unit))
    (idle,) = map(int, re.findall(r"\n    keepalive_timeout (\d+)s;", (DEPLOY / "nginx.conf").read_text()))
    hundred = press.MAX_WAIT + 99
    assert hundred < settings["graceful_timeout"] < stop
    assert idle < settings["keepalive"]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Path]:
    """The folder of a portal that gunicorn serves, with its socket and its log."""
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi"],
            cwd=DEPLOY.parent,
            env=os.environ
            | {
                "BIND": f"unix:{tmp_path}/web.sock",
                "WEB_PROCESSES": "1",
                "SECRET_KEY": "only tests sign with this",
                "ALLOWED_HOSTS": NAME,
                "DEBUG": "false",
                "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
                "HOME": str(tmp_path),
                "XDG_RUNTIME_DIR": str(tmp_path),
            },
            stderr=log,
        )
        try:
            yield tmp_path
        finally:
            server.terminate()
            server.wait(timeout=30)


def test_gunicorn_opens_a_socket_for_its_group_alone_and_writes_lines_of_json(portal):
    address, asked = portal / "web.sock", f"HEAD /health/live HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        # gunicorn makes the socket before it listens on it.
        wait_until(lambda: client.connect_ex(str(address)) == 0)
        client.sendall(asked)
        assert b" 200 OK" in client.makefile("rb").read()
    # A request's own headers do not change its path.
    for named in (b"SCRIPT_NAME: /evil", b"PATH_INFO: /evil"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(address))
            client.sendall(asked.replace(b"\r\n\r\n", b"\r\n" + named + b"\r\n\r\n"))
            assert b" 200 OK" in client.makefile("rb").read()
    assert address.stat().st_mode & 0o777 == 0o770
    assert not list(portal.rglob("gunicorn.ctl"))
    lines = [line for line in (portal / "log").read_text().splitlines() if "staticfiles" not in line]
    lines = [line for line in lines if not line.startswith(" ")]
    assert len(lines) >= 3
    assert all(line.startswith('{"') for line in lines), lines
    assert "no-body" not in "".join(lines)


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Content-Length: 4\r\nContent-Length: 5",
        "Transfer-Encoding: xchunked",
        "Content-Length: +4",
    ],
)
def test_gunicorn_refuses_a_request_whose_end_could_be_read_in_two_ways(portal, framing):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        wait_until(lambda: client.connect_ex(str(portal / "web.sock")) == 0)
        client.sendall(f"POST /health/live HTTP/1.1\r\nHost: {NAME}\r\n{framing}\r\n\r\n0\r\n\r\n".encode())
        answer = client.makefile("rb").read()
    # Our worker refuses every Transfer-Encoding with 411.
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 411")), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1


# --- nginx ------------------------------------------------------------------------


def wait_until(holds, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


class Behind(BaseHTTPRequestHandler):
    """A portal that answers with the headers that it received."""

    def do_GET(self) -> None:
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("X-Request-ID", "of-the-portal")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def certificate(folder: Path) -> None:
    """A key and a certificate for the portal's name."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={NAME}")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "privkey.pem").write_bytes(key.private_bytes(*encoding))


class Nginx:
    """nginx with the settings of deploy/, in other places."""

    def __init__(self, folder: Path, behind: int, *, monitoring: str = "127.0.0.1") -> None:
        self.folder, self.ports = folder, [free_port(), free_port()]
        certificate(folder)
        (folder / ".well-known/acme-challenge").mkdir(parents=True)
        (folder / ".well-known/acme-challenge/token").write_text("proof")
        text = (DEPLOY / "nginx.conf").read_text()
        for is_now, there in (
            ("/etc/letsencrypt/live/check.example.ca", str(folder)),
            ("/var/log/nginx", str(folder)),
            ("/var/www/html;", f"{folder};"),
            ("unix:/run/portal/web.sock", f"127.0.0.1:{behind}"),
            ("allow 127.0.0.1;", f"allow {monitoring};"),
            # Low enough that even a slow machine can exceed it.
            ("rate=100r/s", "rate=1r/s"),
        ):
            assert is_now in text
            text = text.replace(is_now, there)
        # Only where this machine has IPv6 at all.
        text = re.sub(r"\n *listen \[::\]:[^\n]*", "", text)
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.ports[0]};")
        text = text.replace("listen 443 ", f"listen 127.0.0.1:{self.ports[1]} ")
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.settings = folder / "nginx.conf"
        self.settings.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{text}\n}}"
        )

    def command(self, *more: str) -> list[str]:
        return [str(NGINX), "-p", str(self.folder), "-c", str(self.settings), *more]

    def ask(self, path: str, name: str = NAME) -> tuple[int, str]:
        """Ask by HTTPS."""
        status, _, body = self.answer_to(path, name)
        return status, body

    def answer_to(
        self, path: str, name: str = NAME, method: str = "GET"
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """The status, headers and body of the answer to a request by HTTPS."""
        with self.connected(name) as safe:
            lines = (f"Host: {name}", "X-Forwarded-For: 192.0.2.1", "Connection: close", "", "")
            safe.sendall("\r\n".join((f"{method} {path} HTTP/1.1", *lines)).encode())
            answer = http.client.HTTPResponse(safe, method=method)
            answer.begin()
            return answer.status, answer.headers, answer.read().decode()

    @contextmanager
    def connected(self, name: str = NAME, **limits: ssl.TLSVersion) -> Iterator[ssl.SSLSocket]:
        """A connection by TLS. `limits` are attributes of its context, such as the highest version."""
        trusts = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        trusts.check_hostname = False
        for limit, value in limits.items():
            setattr(trusts, limit, value)
        with (
            socket.create_connection(("127.0.0.1", self.ports[1]), timeout=30) as plain,
            trusts.wrap_socket(plain, server_hostname=name) as safe,
        ):
            yield safe

    def log(self, name: str) -> str:
        return (self.folder / name).read_text()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def behind() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def nginx(tmp_path: Path, behind: ThreadingHTTPServer) -> Iterator[Nginx]:
    server = Nginx(tmp_path, behind.server_port)
    with subprocess.Popen(server.command()) as running:
        wait_until((tmp_path / "pid").exists)
        yield server
        running.terminate()


@needs_nginx
def test_nginx_finds_no_fault_in_its_settings(tmp_path):
    tested = Nginx(tmp_path, 1).command("-t")
    ended = subprocess.run(tested, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "[warn]" not in ended.stderr


@needs_nginx
@pytest.mark.parametrize("path", ["/help", "/static/site.css", "/health/ready"])
def test_nginx_sets_every_header_that_the_portal_believes(nginx, path):
    status, headers = nginx.ask(path)
    assert status == 200
    assert f"Host: {NAME}\n" in headers
    assert "X-Forwarded-For: 127.0.0.1\n" in headers
    assert "X-Forwarded-Proto: https\n" in headers
    assert re.search(r"X-Request-ID: [0-9a-f]{32}\n", headers)


def with_a_word(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """URLs with a part that is neither a number nor one of our own names. A screen's name is a question's."""
    for pattern in patterns:
        part = re.sub(r"^\^|\$$|<str:screen>", "", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from with_a_word(pattern.url_patterns, before + part)
        elif "<str:" in part or "(?P<" in part:
            yield before + re.sub(r"<str:\w+>|\(\?P<\w+>[^)]*\)", "zq7", part)


@needs_nginx
def test_no_log_of_nginx_has_the_key_of_a_link_nor_a_query(nginx, behind):
    keyed = list(with_a_word(get_resolver().url_patterns))
    assert "/account/password/reset/key/zq7-zq7/" in keyed
    assert len(keyed) >= 5
    for path in keyed:
        assert nginx.ask(f"{path}?zq7=zq7")[0] == 200
    plain = http.client.HTTPConnection("127.0.0.1", nginx.ports[0])
    plain.request("GET", "/invitation/zq7")
    assert plain.getresponse().status == 301
    # And when the portal does not answer.
    behind.shutdown()
    behind.server_close()
    assert nginx.ask("/invitation/zq7?zq7")[0] == 502
    wait_until(lambda: nginx.log("portal.log").count("\n") == len(keyed) + 1)
    assert "/account/password/reset/key/*" in nginx.log("portal.log")
    assert " 502 " in nginx.log("portal.log")
    for name in ("portal.log", "portal-error.log", "error.log"):
        assert "zq7" not in nginx.log(name), name


@needs_nginx
@pytest.mark.slow
def test_a_flood_is_refused_but_for_styles_and_scripts(nginx):
    statuses_seen: list[int] = []

    def flood(path: str) -> None:
        statuses_seen.extend(nginx.ask(path)[0] for _ in range(90))

    for path, statuses in (("/help", {200, 429}), ("/static/site.css", {200})):
        statuses_seen.clear()
        people = [threading.Thread(target=flood, args=(path,)) for _ in range(8)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        assert len(statuses_seen) == 720
        assert set(statuses_seen) == statuses
        # Opening page after page counts as no flood.
        assert statuses_seen.count(200) >= 400


@needs_nginx
def test_another_name_is_shown_no_certificate(nginx):
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        nginx.ask("/help", name="other.example.ca")


OWN_HEADERS = ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options")


@needs_nginx
def test_what_nginx_answers_alone_has_the_headers_that_the_portal_sends_itself(nginx, behind):
    assert [name for name in OWN_HEADERS if name in nginx.answer_to("/help")[1]] == []
    behind.shutdown()
    behind.server_close()
    status, headers, _ = nginx.answer_to("/help")
    assert status == 502
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    for directive in ("default-src", "object-src", "base-uri", "frame-ancestors"):
        assert f"{directive} 'none'" in headers["Content-Security-Policy"]


@needs_nginx
def test_nginx_prefers_tls_1_3_and_takes_1_2(nginx):
    with nginx.connected() as newest:
        assert newest.version() == "TLSv1.3"
    with nginx.connected(maximum_version=ssl.TLSVersion.TLSv1_2) as older:
        assert older.version() == "TLSv1.2"


def test_nginx_takes_no_tls_older_than_1_2_whatever_name_is_asked_for():
    http_context, *servers = re.split(r"^server \{", (DEPLOY / "nginx.conf").read_text(), flags=re.MULTILINE)
    assert re.findall(r"^ssl_protocols (.+);", http_context, re.MULTILINE) == ["TLSv1.2 TLSv1.3"]
    assert "ssl_protocols" not in "".join(servers)


def test_every_cipher_of_nginx_keeps_earlier_recordings_secret_and_is_authenticated():
    (listed,) = re.findall(r"ssl_ciphers (\S+);", (DEPLOY / "nginx.conf").read_text())
    for cipher in listed.split(":"):
        assert re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA\d+|CHACHA20-POLY1305)", cipher)


def test_nginx_passes_requests_to_the_portal_alone_and_serves_no_folder_but_that_of_certificates():
    text = (DEPLOY / "nginx.conf").read_text()
    assert set(re.findall(r"^ *proxy_pass (.+);", text, re.MULTILINE)) == {"http://portal"}
    assert re.findall(r"^ *server (\S+)", text, re.MULTILINE)[0].startswith("unix:")
    assert re.findall(r"^ *(?:root|alias) (.+);", text, re.MULTILINE) == ["/var/www/html"]


@needs_nginx
@pytest.mark.parametrize(("monitoring", "status"), [("127.0.0.1", 200), ("192.0.2.9", 403)])
@pytest.mark.parametrize(
    "path", ["/health/ready", "/health/live", "/metrics", "//metrics", "/x/../health/ready"]
)
def test_nginx_shows_health_and_metrics_to_the_internal_network_alone(
    tmp_path, behind, path, monitoring, status
):
    server = Nginx(tmp_path, behind.server_port, monitoring=monitoring)
    with subprocess.Popen(server.command()) as running:
        wait_until((tmp_path / "pid").exists)
        answered = server.ask(path)[0]
        running.terminate()
    assert answered == status


@needs_nginx
def test_behind_a_load_balancer_nginx_believes_the_visitors_address_that_it_adds(tmp_path, behind):
    server = Nginx(tmp_path, behind.server_port)
    settings = server.settings.read_text().replace(
        "# set_real_ip_from 10.0.0.5;", "set_real_ip_from 127.0.0.1;"
    )
    server.settings.write_text(settings.replace("# real_ip_header", "real_ip_header"))
    with subprocess.Popen(server.command()) as running:
        wait_until((tmp_path / "pid").exists)
        _, headers = server.ask("/help")
        health, _ = server.ask("/health/ready")
        running.terminate()
    assert "X-Forwarded-For: 192.0.2.1\n" in headers
    assert health == 403


@needs_nginx
def test_nginx_lists_no_folder_and_answers_no_trace(nginx):
    assert "autoindex" not in (DEPLOY / "nginx.conf").read_text()
    assert nginx.answer_to("/help", method="TRACE")[0] == 405


@needs_nginx
def test_by_http_nginx_answers_who_gives_out_certificates_and_sends_all_others_on(nginx):
    for path, status, expected in (
        ("/.well-known/acme-challenge/token", 200, "proof"),
        ("/help?a=b", 301, f"https://{NAME}/help?a=b"),
    ):
        plain = http.client.HTTPConnection("127.0.0.1", nginx.ports[0])
        plain.request("GET", path)
        answer = plain.getresponse()
        assert answer.status == status
        assert expected in answer.headers.get("Location", "") + answer.read().decode()
