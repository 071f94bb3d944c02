"""A receiver of rows that remembers which keys it accepted, and how often.

It refuses a message that holds a poisonous row, until it is told that the row was mended. `GET
/seen` tells how many keys and rows it accepted, `POST /mended` ends the refusals.
"""

import asyncio
import re
import sys
from collections import Counter

_KEY = re.compile(rb'"key": ?"(k\d+)"')
POISON = b"poison"


class Receiver:
    """What was accepted so far."""

    def __init__(self) -> None:
        self.accepted: Counter[bytes] = Counter()
        self.refuses = True

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                sizes = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
                body = await reader.readexactly(sizes[0]) if sizes else b""
                status, answer = self._answer(head.split(b" ", 2)[1], body)
                length = len(answer)
                start = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n" % status
                writer.write(b"%bcontent-length: %d\r\n\r\n%b" % (start, length, answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, path: bytes, body: bytes) -> tuple[bytes, bytes]:
        if path == b"/seen":
            told = (len(self.accepted), self.accepted.total())
            return b"200 OK", b'{"keys": %d, "rows": %d}' % told
        if path == b"/mended":
            self.refuses = False
        elif self.refuses and POISON in body:
            return b"422 Unprocessable Entity", b"{}"
        self.accepted.update(_KEY.findall(body))
        return b"200 OK", b"{}"


async def serve() -> None:
    """Serve on a free local port, print it, and stop when standard input closes."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0, limit=1 << 24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
