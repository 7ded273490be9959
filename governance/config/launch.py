"""`make run`: starts everything on this machine, says how far it is, stops it all again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from governance.config.embedded import CannotStart, Postgres, Valkey, model_file, unknown_migrations
from governance.config.environment import read

LEAST_FREE_BYTES = 500_000_000


class Launcher:
    """Starts in order, watches, stops in reverse order. Only what it started itself."""

    def __init__(self) -> None:
        self.data_dir = Path(read("DATA_DIR")).absolute()
        self.port = int(read("PORT"))
        self.environment = dict(os.environ) | {
            "DJANGO_SETTINGS_MODULE": "governance.config.settings",
            "DATA_DIR": str(self.data_dir),
            "PLACET_DEMO": os.environ.get("PLACET_DEMO", "1"),
            "TLDEXTRACT_CACHE": str(self.data_dir / "cache"),
        }
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.background: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.engines: list[Postgres | Valkey] = []
        self.started_at = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.started_at:5.1f} s] {text}", flush=True)

    def run(self) -> int:
        try:
            self._check_ground()
            self._start_engines()
            self._prepare_data()
            self._start_processes()
            self._wait_for_web()
            self._announce()
            return self._watch()
        except CannotStart as problem:
            print(f"\nPlacet did not start. {problem}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            self._stop()

    def _check_ground(self) -> None:
        try:
            (self.data_dir / "log").mkdir(parents=True, exist_ok=True)
            probe = self.data_dir / ".writable"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise CannotStart(
                f"DATA_DIR {self.data_dir} cannot be written: {error.strerror}."
            ) from None
        free = shutil.disk_usage(self.data_dir).free
        if free < LEAST_FREE_BYTES:
            raise CannotStart(
                f"Only {free // 1_000_000} MB are free at {self.data_dir}; at least "
                f"{LEAST_FREE_BYTES // 1_000_000} MB are needed."
            )
        with socket.socket() as probe_socket:
            probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe_socket.bind(("127.0.0.1", self.port))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                why = (
                    "is taken by another program" if taken else f"cannot be used: {error.strerror}"
                )
                raise CannotStart(
                    f"Port {self.port} {why}. Choose another: PORT={self.port + 1} make run"
                ) from None

    def _start_engines(self) -> None:
        if not read("DATABASE_URL"):
            self.say("starting PostgreSQL")
            postgres = Postgres(self.data_dir)
            self.engines.append(postgres)
            postgres.start()
            postgres.create_database()
            self.environment["DATABASE_URL"] = postgres.url()
        if not read("CELERY_BROKER_URL"):
            self.say("starting Valkey")
            valkey = Valkey(self.data_dir)
            self.engines.append(valkey)
            valkey.start()
            self.environment["CELERY_BROKER_URL"] = valkey.url
        self._start_model()

    def _start_model(self) -> None:
        if read("PLACET_MODEL_URL"):
            return
        self.say("starting the local model server")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        address = self.data_dir / "model-address"
        address.unlink(missing_ok=True)
        module = "governance.config.model_server"
        self._spawn(
            "model", [sys.executable, "-m", module, str(model_file()), str(port), str(address)]
        )
        self.environment["PLACET_MODEL_URL"] = f"http://127.0.0.1:{port}/v1"

    def _prepare_data(self) -> None:
        unknown = unknown_migrations(self.environment["DATABASE_URL"])
        if unknown:
            raise CannotStart(
                f"The data was written by another version of Placet: this one does not know "
                f"{unknown[0]}. Nothing was changed. Start that version, or set another DATA_DIR "
                "(or DATABASE_URL)."
            )
        self.say("bringing the database up to date, and the demo organisation into an empty one")
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "governance.config.prepare"],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            tail = "\n".join(done.stderr.splitlines()[-12:])
            raise CannotStart(f"The data could not be prepared:\n{tail}")

    def _start_processes(self) -> None:
        self.say("starting web, worker and beat")
        celery = [sys.executable, "-m", "celery", "-A", "governance.config"]
        self._spawn(
            "web",
            [
                *(sys.executable, "-m", "uvicorn", "governance.config.asgi:application"),
                *("--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"),
                *("--workers", read("PLACET_WEB_WORKERS"), "--lifespan", "off"),
            ],
            PLACET_PROCESS="web",
        )
        self._spawn(
            "worker",
            [
                *(*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"),
                *("-Q", "calls,checks,packs,housekeeping", "--loglevel", "WARNING"),
            ],
        )
        (self.data_dir / "beat.pid").unlink(missing_ok=True)
        self._spawn(
            "beat",
            [
                *celery,
                "beat",
                "--pidfile",
                str(self.data_dir / "beat.pid"),
                "--loglevel",
                "WARNING",
            ],
        )

    def _spawn(self, name: str, command: list[str], **more: str) -> None:
        with (self.data_dir / "log" / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  # our own command
                command,
                env=self.environment | more,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append((name, process))

    def _wait_for_web(self) -> None:
        from urllib.error import URLError
        from urllib.request import urlopen

        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            self._check_alive()
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):  # noqa: S310
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise CannotStart("The web server does not answer." + self._tail("web"))

    def _check_alive(self) -> None:
        for name, process in self.processes:
            if process.poll() is not None:
                raise CannotStart(f"The {name} process ended." + self._tail(name))

    def _tail(self, name: str) -> str:
        log = self.data_dir / "log" / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-10:]
        return f" The end of {log}:\n" + "\n".join(lines)

    def _announce(self) -> None:
        self._make_demo_calls()
        print(f"\nPlacet is ready at http://127.0.0.1:{self.port}\n")
        demo = self.data_dir / "demo.json"
        if demo.exists():
            known = json.loads(demo.read_text())
            known["base_url"] = f"http://127.0.0.1:{self.port}"
            demo.write_text(json.dumps(known, indent=2))
            print("Sign in as one of the demo organisation (also in", f"{demo}):")
            for role, user in known["users"].items():
                print(f"  {role:<16} {user['email']:<32} {user['password']}")
            for slug, key in known["api_keys"].items():
                print(f"  API key of {slug}: {key}")
        print("\nCtrl-C stops it.", flush=True)

    def _make_demo_calls(self) -> None:
        """In the background: real calls by the little model, which fill queues and costs, and what
        people judged before."""
        if (self.data_dir / "demo.json").exists():
            self._spawn_once("demo-calls", [sys.executable, "manage.py", "demo", "--calls"])
            self._spawn_once("demo-judged", [sys.executable, "manage.py", "demo_judged"])

    def _spawn_once(self, name: str, command: list[str]) -> None:
        self._spawn(name, command)
        self.background.append(self.processes.pop())

    def _watch(self) -> int:
        while True:
            self._check_alive()
            time.sleep(0.5)

    def _stop(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        running = [*self.background, *self.processes]
        for _, process in reversed(running):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 15
        for _, process in reversed(running):
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        for engine in reversed(self.engines):
            engine.stop()
        if running or self.engines:
            print("Stopped.", flush=True)


def main() -> int:
    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, stop)
    return Launcher().run()


if __name__ == "__main__":
    sys.exit(main())
