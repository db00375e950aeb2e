"""A server that answers as a Ray dashboard does, as far as it is told to."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METADATA = {"rayVersion": "2.60.0", "pythonVersion": "3.11.7"}


def nodes(*resources):
    """What /api/v0/nodes says of nodes with these resources."""
    return {"data": {"result": {"result": [{"resources_total": each} for each in resources]}}}


@contextmanager
def answering(answers, paths=False):
    """Its address, and the requests as they come: (method, path, body).

    answers: the start of a path -> data, or status and text, or a function that is called with
    method and body; `paths`: and before them, the path.
    """
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def _handle(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append((self.command, self.path, body))
            start = max((s for s in answers if self.path.startswith(s)), key=len, default=None)
            said = answers.get(start, (404, "no such thing"))
            if callable(said):
                said = said(*([self.path] if paths else []), self.command, body)
            status, text = said if isinstance(said, tuple) else (200, json.dumps(said))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = _handle

        def log_message(self, *said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()
