"""A platform that accepts everything and keeps nothing: what is left is our own cost.

Takes the seconds that every answer lets wait for it, 0 unless told otherwise.
"""

import asyncio
import sys
from functools import partial

_ANSWERS = {
    b"/customaudiences": b'{"data":[{"id":"7","name":"Buyers"}]}',
    b"/lists": b'{"data":[{"id":"7","attributes":{"name":"Buyers"}}]}',
    b"/hook": b"{}",
    b"/registrations/": b"{}",
    b"/profile-bulk-import-jobs": b'{"data":{"id":"1","attributes":{"status":"complete"}}}',
}


async def serve(delay: float) -> None:
    """Serve on a free local port, print it, and stop when standard input closes."""
    server = await asyncio.start_server(partial(_talk, delay), "127.0.0.1", 0, limit=1 << 24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def _talk(delay: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            sizes = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
            body = await reader.readexactly(sizes[0]) if sizes else b""
            answer = _answer(head, body)
            if delay:
                await asyncio.sleep(delay)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _answer(head: bytes, body: bytes) -> bytes:
    path = head.split(b" ", 2)[1]
    for part, answer in _ANSWERS.items():
        if part in path:
            return answer
    received = body[: body.index(b"}")].rpartition(b":")[2]
    return b'{"num_received":%s,"num_invalid_entries":0}' % received


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
