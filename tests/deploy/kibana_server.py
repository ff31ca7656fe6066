"""A small server that answers as Kibana 8.12 does to what `tocsin setup kibana` asks: status, import, default data view, rules.

It keeps what it is given, wants the header against forged requests, checks the password, and finds references that lead nowhere. It draws
nothing: whether a panel can be drawn is the linter's part, and in the end a real Kibana's (docs/kibana.md).
"""

import base64
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
_RULES = ("/api/actions/connector/", "/api/alerting/rule/")


class FakeKibana:
    """What it holds, what it was asked, and how it is to misbehave."""

    def __init__(self) -> None:
        self.address = ""
        self.version = "8.12.2"
        self.user: tuple[str, str] | None = None
        self.forbids: set[str] = set()  # parts of paths that answer 403
        self.not_ready = 0  # how many times it says so
        self.level = "available"
        self.spaces = {"default", "desk"}
        self.unsupported: set[str] = set()  # types
        self.import_answer: tuple[int, Any] | None = None
        self.renamed: dict[str, str] = {}  # ids that it gives anew, as for a second space
        self.objects: dict[tuple[str, str], Json] = {}
        self.default: str | None = None
        self.rules: dict[str, Json] = {}
        self.asked: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """(status, body) of a request."""
        self.asked.append((method, path))
        parts = urlsplit(path)
        space, inner = "default", parts.path
        if found := re.match(r"/s/([^/]+)(/.*)", inner):
            space, inner = found.groups()
        if self.not_ready:
            self.not_ready -= 1
            return 503, "Kibana server is not ready yet"
        whom = self._known(headers)
        if inner == "/api/status":
            level = {"overall": {"level": self.level}}
            return 200, {"status": level, "version": {"number": self.version}} if whom else {"status": level}
        if not whom:
            return 401, {"statusCode": 401, "error": "Unauthorized", "message": "unable to authenticate user"}
        if space not in self.spaces:
            return 404, {"statusCode": 404, "error": "Not Found", "message": f"Saved object [space/{space}] not found"}
        if any(part in inner for part in self.forbids):
            return 403, {"statusCode": 403, "error": "Forbidden", "message": f"API [{method} {inner}] is unauthorized for user"}
        if method != "GET" and "kbn-xsrf" not in headers:
            return 400, {"statusCode": 400, "error": "Bad Request", "message": "Request must contain a kbn-xsrf header."}
        if inner == "/api/saved_objects/_import":
            return self.import_answer or self._import(parse_qs(parts.query), headers, body)
        if inner == "/api/data_views/default":
            return self._default(method, body)
        if inner.startswith(_RULES):
            return self._rule(method, inner, body)
        return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"}

    def _known(self, headers: Any) -> bool:
        if self.user is None:
            return True
        wanted = base64.b64encode(":".join(self.user).encode()).decode()
        return bool(headers.get("Authorization") == f"Basic {wanted}")

    def _import(self, asked: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, Any]:
        found = re.fullmatch(r"multipart/form-data; boundary=(\S+)", headers.get("Content-Type", ""))
        assert found is not None
        parts = body.split(b"--" + found.group(1).encode())
        assert (parts[0], parts[-1].strip()) == (b"", b"--")
        head, _, content = parts[1].partition(b"\r\n\r\n")
        assert b'name="file"' in head
        assert b'.ndjson"' in head
        sent = [json.loads(line) for line in content.decode().splitlines() if line.strip()]
        there = {(one["type"], one["id"]) for one in sent} | set(self.objects)
        results, errors = [], []
        for one in sent:
            key, lost = (one["type"], one["id"]), [ref for ref in one["references"] if (ref["type"], ref["id"]) not in there]
            error: Json | None = None
            if one["type"] in self.unsupported:
                error = {"type": "unsupported_type"}
            elif lost:
                error = {"type": "missing_references", "references": [{"type": ref["type"], "id": ref["id"]} for ref in lost]}
            elif key in self.objects and asked.get("overwrite") != ["true"]:
                error = {"type": "conflict"}
            if error:
                errors.append({"type": one["type"], "id": one["id"], "title": "", "meta": {}, "error": error})
            else:
                self.objects[key] = one
                moved = {"destinationId": self.renamed[one["id"]]} if one["id"] in self.renamed else {}
                results.append({"type": one["type"], "id": one["id"], "meta": {}, **moved})
        answer = {"success": not errors, "successCount": len(results), "warnings": [], "successResults": results}
        return 200, answer | ({"errors": errors} if errors else {})

    def _default(self, method: str, body: bytes) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"data_view_id": self.default}
        asked = json.loads(body)
        if self.default is None or asked.get("force"):
            self.default = asked["data_view_id"]
        return 200, {"acknowledged": True}

    def _rule(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        there = self.rules.get(path)
        if method == "GET":
            return (200, there) if there else (404, {"statusCode": 404, "message": "Saved object not found"})
        asked = json.loads(body)
        fixed = {"connector_type_id", "rule_type_id", "consumer", "enabled"} & set(asked)
        if method == "POST":
            return (409, {"message": "conflict"}) if there else (200, self.rules.setdefault(path, asked))
        if fixed:
            return 400, {"message": f"[request body.{min(fixed)}]: definition for this key is missing"}
        self.rules[path] = {**(there or {}), **asked}
        return 200, self.rules[path]


@contextmanager
def fake_kibana(certificates: Path | None = None) -> Iterator[FakeKibana]:
    """A server on loopback until the block ends; with TLS where a folder with http.crt and http.key is given."""
    kibana = FakeKibana()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = kibana.answer(self.command, self.path, self.headers, body)
            data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _any  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kibana.address = f"http://127.0.0.1:{server.server_address[1]}"
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates / "http.crt", certificates / "http.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            kibana.address = kibana.address.replace("http:", "https:")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield kibana
        finally:
            server.shutdown()
            thread.join()
