"""A real SFTP server for tests, in a thread; its files are in a folder of this machine."""

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

PASSWORD = "correct horse"  # noqa: S105 - of a server that lives as long as a test
OPENSSH = shutil.which(
    "sftp-server",
    path=os.pathsep.join(
        [os.environ["PATH"], "/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh"]
    ),
)


@dataclass
class Server:
    """Where the server listens, its keys, and what it was asked to do."""

    folder: Path
    port: int = 0
    host_key: asyncssh.SSHKey = field(
        default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519")
    )
    user_key: asyncssh.SSHKey = field(
        default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519")
    )
    done: list[str] = field(default_factory=list)

    @property
    def public_key(self) -> str:
        """Return the host key as it is pinned."""
        return self.host_key.export_public_key().decode()

    @property
    def private_key(self) -> str:
        """Return the user's key."""
        return self.user_key.export_private_key().decode()

    def url(self, path: str = "/drop") -> str:
        """Return the address of a folder."""
        return f"sftp://shop@127.0.0.1:{self.port}{path}"


class Login(asyncssh.SSHServer):
    """Let one user in, by key or by password."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def session_requested(self) -> asyncssh.SSHServerSession:
        """Open a session that no factory of the server's is for."""
        return OpenSsh()

    def begin_auth(self, username: str) -> bool:
        """Ask everybody."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Take keys."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Know one key."""
        return username == "shop" and key.public_data == self.server.user_key.public_data

    def password_auth_supported(self) -> bool:
        """Take passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Know one password."""
        return (username, password) == ("shop", PASSWORD)


class Files(asyncssh.SFTPServer):
    """Write down what changes the folder."""

    server: Server

    def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
        super().__init__(channel, chroot=str(self.server.folder))

    def _note(self, what: str, *paths: bytes) -> None:
        self.server.done.append(" ".join([what, *(os.path.basename(p).decode() for p in paths)]))

    def open(self, path, pflags, attrs):
        """Open a file."""
        self._note("open", path)
        return super().open(path, pflags, attrs)

    def fsync(self, file_obj):
        """Make a file durable."""
        self._note("fsync")
        return super().fsync(file_obj)

    def rename(self, oldpath, newpath):
        """Rename as version 3 of the protocol says: not over a file that is there."""
        self._note("rename", oldpath, newpath)
        if os.path.exists(self.map_path(newpath)):
            raise asyncssh.SFTPFailure("there is a file of that name")
        return super().rename(oldpath, newpath)

    def posix_rename(self, oldpath, newpath):
        """Rename over what is there."""
        self._note("posix_rename", oldpath, newpath)
        return super().posix_rename(oldpath, newpath)

    def remove(self, path):
        """Remove a file."""
        self._note("remove", path)
        return super().remove(path)


class SlowFiles(Files):
    """A server that takes its time for whatever a test says, and says that it does."""

    slow_name = b""
    reached = threading.Event()

    def open(self, path, pflags, attrs):
        """Remember which file it is."""
        handle = super().open(path, pflags, attrs)
        self.is_slow = os.path.basename(path) == SlowFiles.slow_name
        return handle

    def write(self, file_obj, offset, data):
        """Write half, then wait for a killer."""
        if not self.is_slow:
            return super().write(file_obj, offset, data)
        super().write(file_obj, offset, data[: len(data) // 2])
        SlowFiles.reached.set()
        time.sleep(1)
        return len(data)


class OldFiles(Files):
    """A server without the extensions of OpenSSH."""

    def fsync(self, file_obj):
        """Not know the request."""
        raise asyncssh.SFTPOpUnsupported("fsync")

    def posix_rename(self, oldpath, newpath):
        """Not know the request."""
        raise asyncssh.SFTPOpUnsupported("posix_rename")


class FullFiles(Files):
    """A server whose disk is full."""

    def write(self, file_obj, offset, data):
        """Have no room."""
        raise asyncssh.SFTPFailure("no space left: secret of somebody")


class ForgetfulFiles(Files):
    """A server that says it has written and has not."""

    def write(self, file_obj, offset, data):
        """Write half of it."""
        super().write(file_obj, offset, data[: len(data) // 2])
        return len(data)


class OpenSsh(asyncssh.SSHServerSession):
    """Hand a session to OpenSSH's own sftp-server."""

    def connection_made(self, channel: asyncssh.SSHServerChannel) -> None:
        """Keep the channel."""
        self.channel = channel

    def subsystem_requested(self, subsystem: str) -> bool:
        """Know one subsystem."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Start the server and carry what it says to the channel."""
        assert OPENSSH is not None
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.child = subprocess.Popen([OPENSSH], bufsize=0, **pipes)
        loop = asyncio.get_running_loop()

        def carry() -> None:
            with self.child.stdout:
                while data := self.child.stdout.read(65_536):
                    loop.call_soon_threadsafe(self.channel.write, data)
            self.child.wait()

        threading.Thread(target=carry, daemon=True).start()

    def data_received(self, data: bytes, datatype: object) -> None:
        """Carry what the client says to the server."""
        left = memoryview(data)
        while left:
            left = left[self.child.stdin.write(left) :]

    def connection_lost(self, error: Exception | None) -> None:
        """End the server."""
        self.child.stdin.close()


@contextmanager
def sftp_server(folder: Path, files: type[Files] | None = Files) -> Iterator[Server]:
    """Run a server; without `files` the requests are OpenSSH's to answer."""
    (folder / "drop").mkdir(parents=True)
    server = Server(folder)
    factory = type("Its", (files,), {"server": server}) if files else None
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: Login(server),
            "127.0.0.1",
            0,
            server_host_keys=[server.host_key],
            sftp_factory=factory,
            encoding="utf-8" if factory else None,
        )

    async def close(acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        await acceptor.wait_closed()

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    server.port = acceptor.get_port()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(close(acceptor), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
