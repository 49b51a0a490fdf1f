# SPDX-License-Identifier: BSD-2-Clause
"""Many questions at once: a window of queries in flight to each server."""
import selectors
import socket
import struct
import time

WINDOW = 48
RETRY_S = 1.0
TRIES = 6


class _Udp:
    def __init__(self, endpoint, queries):
        self.queries = queries
        self.out = [None] * len(queries)
        self.todo = list(range(len(queries) - 1, -1, -1))
        self.flying = {}
        self.tries = [0] * len(queries)
        family = socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.setblocking(False)
        self.sock.connect(endpoint)
        self.fill()

    def fill(self):
        while self.todo and len(self.flying) < WINDOW:
            i = self.todo.pop()
            if self.tries[i] >= TRIES:
                continue
            self.tries[i] += 1
            msgid = i & 0xFFFF
            try:
                self.sock.send(struct.pack("!H", msgid) + self.queries[i][2:])
            except (BlockingIOError, ConnectionRefusedError):
                pass
            self.flying[msgid] = i, time.monotonic() + RETRY_S

    def readable(self):
        while True:
            try:
                msg = self.sock.recv(65535)
            except BlockingIOError:
                break
            except ConnectionRefusedError:
                continue
            hit = self.flying.pop(msg[0] << 8 | msg[1], None)
            if hit is not None:
                self.out[hit[0]] = msg
        self.fill()

    def tick(self, now):
        for msgid, (i, due) in list(self.flying.items()):
            if due < now:
                del self.flying[msgid]
                self.todo.append(i)
        self.fill()

    def done(self):
        return not self.todo and not self.flying


class _Tcp:
    """Pipelined queries on one connection; a new one when it is closed."""

    def __init__(self, endpoint, queries):
        self.endpoint, self.queries = endpoint, queries
        self.out = [None] * len(queries)
        self.left = set(range(len(queries)))
        self.attempts = 0
        self.sock = None
        self.selector = None
        self.connect()

    def connect(self):
        self.attempts += 1
        old, self.sock = self.sock, socket.create_connection(self.endpoint, 5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        if old is not None:
            self.selector.unregister(old)
            old.close()
            self.selector.register(self.sock, selectors.EVENT_READ, self)
        self.buf = b""
        self.todo = sorted(self.left, reverse=True)
        self.flying = {}
        self.progress = time.monotonic()
        self.fill()

    def fill(self):
        batch = b""
        while self.todo and len(self.flying) < WINDOW:
            i = self.todo.pop()
            q = self.queries[i]
            self.flying[i & 0xFFFF] = i
            batch += struct.pack("!HH", len(q), i & 0xFFFF) + q[2:]
        if batch:
            try:
                # A window of queries is far below the socket's buffer.
                self.sock.sendall(batch)
            except OSError:
                self.progress = 0

    def readable(self):
        try:
            piece = self.sock.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self.progress = 0
            return
        self.progress = time.monotonic()
        buf, pos = self.buf + piece, 0
        while pos + 2 <= len(buf):
            size = buf[pos] << 8 | buf[pos + 1]
            if pos + 2 + size > len(buf):
                break
            msg = buf[pos + 2:pos + 2 + size]
            pos += 2 + size
            i = self.flying.pop(msg[0] << 8 | msg[1], None)
            if i is not None:
                self.out[i] = msg
                self.left.discard(i)
        self.buf = buf[pos:]
        self.fill()

    def tick(self, now):
        if self.left and now > self.progress + RETRY_S:
            if self.attempts >= TRIES + len(self.queries) // 50:
                self.left.clear()
                self.flying.clear()
                self.todo = []
                return
            try:
                self.connect()
            except OSError:
                self.left.clear()

    def done(self):
        return not self.left


def ask_all(endpoints, queries, tcp=False):
    """Ask each endpoint all queries; a list of responses for each endpoint,
    in the order of the queries, None where no response came."""
    kind = _Tcp if tcp else _Udp
    jobs = [kind(e, queries) for e in endpoints]
    with selectors.DefaultSelector() as sel:
        for job in jobs:
            job.selector = sel
            sel.register(job.sock, selectors.EVENT_READ, job)
        while not all(job.done() for job in jobs):
            for key, _ in sel.select(0.05):
                key.data.readable()
            now = time.monotonic()
            for job in jobs:
                if not job.done():
                    job.tick(now)
    for job in jobs:
        job.sock.close()
    return [job.out for job in jobs]
