"""Meta in memory, as a platform that keeps every row as it was added."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

Row = frozenset[tuple[str, str]]


@dataclass
class StubMeta:
    """The rows of one audience; a row is removed by the strongest identifier given."""

    rows: set[Row] = field(default_factory=set)
    names: list[str] = field(default_factory=list)
    requests: list[tuple[str, int]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def client(self) -> httpx.Client:
        """Return a client that talks to this stub only."""
        return httpx.Client(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        with self.lock:
            body = json.loads(request.content or b"{}")
            if request.url.path.endswith("/customaudiences"):
                return self._audiences(request, body)
            schema, data = body["payload"]["schema"], body["payload"]["data"]
            rows = [
                frozenset((k, v) for k, v in zip(schema, cells, strict=True) if v) for cells in data
            ]
            self.requests.append((request.method, len(rows)))
            for row in rows:
                self._change(request.method, row)
            count = {"num_received": len(rows), "num_invalid_entries": 0}
            return httpx.Response(200, json=count)

    def _audiences(self, request: httpx.Request, body: dict[str, Any]) -> httpx.Response:
        if request.method == "POST":
            self.names.append(body["name"])
            return httpx.Response(200, json={"id": "7"})
        return httpx.Response(200, json={"data": [{"id": "7", "name": n} for n in self.names]})

    def _change(self, method: str, row: Row) -> None:
        if method == "POST":
            self.rows.add(row)
            return
        kinds = dict(row)
        strongest = next(kind for kind in ("EXTERN_ID", "EMAIL", "PHONE") if kind in kinds)
        self.rows = {kept for kept in self.rows if (strongest, kinds[strongest]) not in kept}
