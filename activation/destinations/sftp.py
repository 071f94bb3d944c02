"""Put whole files into a folder of an SFTP server whose host key is known beforehand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import SplitResult, unquote, urlsplit

import asyncssh

from activation.destinations.folders import Alive, Fill, Result
from activation.errors import (
    ActivationError,
    AuthenticationRefused,
    MissingSetting,
    PlatformRefused,
    PlatformUnreachable,
)

URL = "REGULARS_FILE_DROP_SFTP_URL"
HOST_KEY = "REGULARS_FILE_DROP_SFTP_HOST_KEY"
PRIVATE_KEY = "REGULARS_FILE_DROP_SFTP_PRIVATE_KEY"
PASSWORD = "REGULARS_FILE_DROP_SFTP_PASSWORD"  # noqa: S105 - the name of a variable, not a secret

_SECONDS = 30
_CHUNK = 1 << 20
_PORT = 22
_KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)

Work = Callable[[asyncssh.SFTPClient], Awaitable[Result]]


@dataclass(frozen=True)
class SftpFolder:
    """A folder at `sftp://user@host:port/path`; `/~/path` begins where the user arrives.

    `host_key` is the server's public key as OpenSSH writes it, several on a line each. A server
    with another key is never talked to. `private_key` is the text of an OpenSSH or PEM key. While
    something takes long, `alive` is called every `heartbeat` seconds.
    """

    url: str = field(repr=False)
    host_key: str = ""
    private_key: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    heartbeat: float = 10.0

    @property
    def account(self) -> str:
        """Return host, port and path; no user and no password."""
        try:
            parts = self._parts()
        except PlatformRefused:
            return ""
        return f"sftp://{parts.hostname}:{parts.port or _PORT}{parts.path.rstrip('/')}"

    def has(self, *names: str) -> bool:
        """Say whether all these files are there."""

        async def look(client: asyncssh.SFTPClient) -> bool:
            return all([await client.isfile(self._place(name)) for name in names])

        return self._do("look for the files", look)

    def write(self, name: str, fill: Fill[Result], alive: Alive) -> Result:
        """Upload under another name, have it made durable, then rename.

        A server that cannot rename over a file has the former one removed first: for that moment
        there is none. One that cannot say when a file is durable is believed.
        """
        with TemporaryFile() as handle:
            try:
                result = fill(handle)
                size = handle.seek(0, 2)
            except OSError as error:
                msg = f"file_drop cannot prepare {name} ({error.strerror}). Make room on this disk."
                raise PlatformRefused(msg) from error

            async def upload(client: asyncssh.SFTPClient) -> None:
                handle.seek(0)
                await _upload(client, handle, self._place(f"{name}.part"), size)
                await _rename(client, self._place(f"{name}.part"), self._place(name))

            self._do(f"write {name}", upload, alive)
        return result

    def _do(self, what: str, work: Work[Result], alive: Alive = lambda: None) -> Result:
        """Connect and work, in a thread of its own: this one may run an event loop already."""
        arguments = self._arguments()

        async def connected() -> Result:
            async with _session(arguments) as client:
                return await work(client)

        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(asyncio.run, connected())
            while not wait([working], timeout=self.heartbeat).done:
                alive()
            try:
                return working.result()
            except (asyncssh.Error, OSError, EOFError, UnicodeError) as error:
                raise _explained(what, error) from None

    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.url)
            is_usable = parts.scheme == "sftp" and parts.hostname and (parts.port or _PORT)
        except ValueError:
            is_usable = False
        if not is_usable:
            msg = f"file_drop: {URL} is no address. Write it as sftp://user@host:22/folder."
            raise PlatformRefused(msg)
        return parts

    def _place(self, name: str) -> str:
        path = unquote(self._parts().path).rstrip("/")
        folder = path[3:] or "." if path == "/~" or path.startswith("/~/") else path
        return f"{folder}/{name}"

    def _arguments(self) -> dict[str, Any]:
        """Return what opens a connection; nothing else of this machine decides anything."""
        parts = self._parts()
        if not self.host_key.strip():
            raise MissingSetting("file_drop", (HOST_KEY,))
        password = self.password or unquote(parts.password or "")
        if not (self.private_key or password):
            raise MissingSetting("file_drop", (PRIVATE_KEY, PASSWORD))
        trusted = [
            _read(asyncssh.import_public_key, one, HOST_KEY) for one in _lines(self.host_key)
        ]
        written = self.private_key.replace("\\n", "\n")
        keys = [_read(asyncssh.import_private_key, written, PRIVATE_KEY)] if written else None
        return {
            "host": parts.hostname,
            "port": parts.port or _PORT,
            "username": unquote(parts.username or ""),
            "password": password or None,
            "client_keys": keys,
            "known_hosts": (trusted, [], []),
            "server_host_key_algs": _algorithms(trusted),
            "agent_path": None,
            "config": None,
            "connect_timeout": _SECONDS,
            "login_timeout": _SECONDS,
            "keepalive_interval": _SECONDS,
        }


@asynccontextmanager
async def _session(arguments: dict[str, Any]) -> AsyncIterator[asyncssh.SFTPClient]:
    async with (
        asyncssh.connect(**arguments) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


async def _upload(client: asyncssh.SFTPClient, handle: IO[bytes], path: str, size: int) -> None:
    async with client.open(path, "wb") as remote:
        while chunk := handle.read(_CHUNK):
            await remote.write(chunk)
        with suppress(asyncssh.SFTPOpUnsupported):
            await remote.fsync()
    if await client.getsize(path) != size:
        raise asyncssh.SFTPFailure("the server stored another number of bytes")


async def _rename(client: asyncssh.SFTPClient, part: str, final: str) -> None:
    try:
        await client.posix_rename(part, final)
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await client.remove(final)
        await client.rename(part, final)


def _algorithms(trusted: list[asyncssh.SSHKey]) -> list[str]:
    """Prefer the known kinds of host keys; others are asked for too, so that they can be refused.

    A server that has none of the kinds asked for just hangs up, and nobody knows why.
    """
    known = [name.decode() for key in trusted for name in key.sig_algorithms]
    return list(dict.fromkeys([*known, *_KINDS]))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\\n", "\n").splitlines() if line.strip()]


def _read(read: Callable[[str], Any], text: str, variable: str) -> Any:
    try:
        return read(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        msg = f"file_drop: {variable} holds no key that can be read. Give the text of one as "
        shape = "ssh-ed25519 AAAA…" if variable == HOST_KEY else "OpenSSH writes it, unencrypted"
        raise PlatformRefused(f"{msg}{shape}.") from None


def _explained(what: str, error: Exception) -> ActivationError:
    """Return the error of ours for one of SSH, with its cause and a remedy."""
    match error:
        case asyncssh.HostKeyNotVerifiable() | asyncssh.KeyExchangeFailed():
            return PlatformRefused(
                f"file_drop: the SFTP server does not show the host key in {HOST_KEY}; nothing was "
                "sent. Ask whoever runs it for the key; somebody else may be answering."
            )
        case asyncssh.PermissionDenied():
            return AuthenticationRefused(
                "file_drop: the SFTP server refused the login. Set a valid user in "
                f"{URL}, and {PRIVATE_KEY} or {PASSWORD}."
            )
        case asyncssh.SFTPNoConnection() | asyncssh.SFTPConnectionLost():
            return _unreachable(what)
        case asyncssh.SFTPError():
            return PlatformRefused(
                f"file_drop cannot {what} ({type(error).__name__}). Check that the folder in {URL} "
                "is there, that the user may write to it, and the space left."
            )
    return _unreachable(what)


def _unreachable(what: str) -> PlatformUnreachable:
    msg = (
        f"file_drop cannot {what}: no connection to the SFTP server. Check {URL} and the network; "
        "the next run tries again."
    )
    return PlatformUnreachable(msg)
