"""A relay in front of a center: it counts what passes and holds answers back, so that requests are at the center at the same
time for certain."""

import http.client
import http.server
import threading
import urllib.parse

from conftest import PATIENCE

OURS = {"connection", "host", "transfer-encoding"}


class Relay:
    """One in front of the center at `url`. It ends with `stop`."""

    def __init__(self, url):
        self.place = urllib.parse.urlsplit(url).netloc
        self.changed = threading.Condition()
        self.seen = []
        self.held_line = None
        self.held = 0
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.relay = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hold(self, line):
        """From now on answers to requests whose first line begins so, such as `POST /token`, are held back."""
        with self.changed:
            self.held_line, self.held = line, 0

    def wait_for_held(self, count):
        """Waits until so many answers are held back: the center has done its part of them."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.held >= count, PATIENCE)
            assert came, f"{self.held} of {count} answers came; requests: {self.seen}"

    def release(self):
        with self.changed:
            self.held_line = None
            self.changed.notify_all()

    def count(self, line):
        with self.changed:
            return sum(seen.startswith(line) for seen in self.seen)

    def stop(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()

    def passed(self, line, ask):
        """Notes a request, gets its answer, and hands it over when it may go."""
        with self.changed:
            self.seen.append(line)
        answer = ask()
        with self.changed:
            if self.held_line and line.startswith(self.held_line):
                self.held += 1
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.held_line is None, 2 * PATIENCE)
        return answer


class Server(http.server.ThreadingHTTPServer):
    # A hundred processes may knock at once.
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that breaks off is its own business."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        relay = self.server.relay
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OURS}

        def ask():
            connection = http.client.HTTPConnection(relay.place, timeout=PATIENCE)
            try:
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        status, headers, body = relay.passed(f"{self.command} {self.path}", ask)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in OURS | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *words):
        """The tests say what they need to."""
