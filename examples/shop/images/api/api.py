"""The shop's API: lists articles with their stock, and takes orders."""

import json
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from store import Store


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            return self.send(200, {"ok": True})
        if self.path == "/articles":
            return self.with_store(lambda store: {"pod": socket.gethostname(), "articles": articles(store)})
        return self.send(404, {"error": "no such page: " + self.path})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith("/orders/"):
            return self.send(404, {"error": "no such page: " + self.path})
        name = self.path[len("/orders/"):]
        return self.with_store(lambda store: order(store, name))

    def with_store(self, answer):
        try:
            with Store() as store:
                self.send(200, answer(store))
        except OSError as error:
            self.send(503, {"error": str(error)})

    def send(self, status, body):
        text = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def articles(store):
    names = sorted(store.call("SMEMBERS", "articles"))
    return [{"name": name, "stock": int(store.call("GET", "stock:" + name) or 0)} for name in names]


def order(store, name):
    return {"article": name, "stock": store.call("DECR", "stock:" + name)}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()
