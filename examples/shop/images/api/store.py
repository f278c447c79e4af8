"""The few words of the Redis protocol that the shop needs."""

import os
import socket


class Store:
    """One connection; every call raises OSError when the store cannot be reached."""

    def __init__(self, timeout=2.0):
        address = (os.environ["STORE_HOST"], int(os.environ.get("REDIS_PORT", "6379")))
        self.socket = socket.create_connection(address, timeout)
        self.reader = self.socket.makefile("rb")
        self.call("AUTH", os.environ["STORE_PASSWORD"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()

    def call(self, *words):
        encoded = [str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(encoded)] + [b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded]
        self.socket.sendall(b"".join(parts))
        return self.answer()

    def answer(self):
        line = self.reader.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            body = self.reader.read(int(rest) + 2)[:-2]
            return body.decode()
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        raise OSError("store: " + (rest.decode() or "connection closed"))
