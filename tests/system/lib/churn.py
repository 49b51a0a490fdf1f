# SPDX-License-Identifier: BSD-2-Clause
"""A primary whose large zone changes all the time, and what to ask of those
who follow it: it knows what every name had in every version."""
import bisect
import random
import socket
import struct
import subprocess
import sys
import threading
import time

from . import dnsq, wire
from .fakeprimary import FakePrimary, record

A, TXT, NS = 1, 16, 2
PER_DELTA = 10


class Churn(FakePrimary):
    """`count` names, of which each version changes ten: another address, or
    none any more, or one again. One in ten is below an empty non-terminal."""

    def __init__(self, case, apex, count, seed=1):
        self.rnd = random.Random(seed)
        self.names = [wire.name(("n%d.%s" if i % 10 else "a.n%d.%s")
                                % (i, apex)) for i in range(count)]
        # Of each name: the serials with which it changed, and to what.
        self.when = [[1] for _ in range(count)]
        self.what = [[self.address_of(i, 1)] for i in range(count)]
        self.deltas = {}
        self.lock = threading.Lock()
        super().__init__(case, apex, serial=1)
        self.ixfr = self.differences
        self.notifier = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.notifier.bind((self.address, 0))

    @staticmethod
    def address_of(i, serial):
        return struct.pack("!I", 10 << 24 | (i * 7919 + serial * 31) & 0xFFFFFF)

    # -- the zone
    def fixed(self):
        ns = wire.name("ns." + self.apex)
        return [record(wire.name(self.apex), NS, 3600, ns),
                record(ns, A, 3600, b"\x7f\0\0\1")]

    def at(self, i, serial):
        """The address that a name has in a version, or None."""
        return self.what[i][bisect.bisect_right(self.when[i], serial) - 1]

    def version(self, serial):
        """All records of a version, as octets, without the SOA."""
        return self.fixed() + [
            record(n, A, 3600, a) for i, n in enumerate(self.names)
            for a in (self.at(i, serial),) if a is not None]

    def step(self, width=PER_DELTA, going=0.3):
        """Make the next version: so many names change, a share of them are
        gone then."""
        with self.lock:
            new = self.serial + 1
            gone, come = [], []
            for i in self.rnd.sample(range(len(self.names)), width):
                old = self.what[i][-1]
                now = self.address_of(i, new)
                if old is not None and self.rnd.random() < going:
                    now = None
                if old is not None:
                    gone.append(record(self.names[i], A, 3600, old))
                if now is not None:
                    come.append(record(self.names[i], A, 3600, now))
                self.when[i].append(new)
                self.what[i].append(now)
            self.deltas[new] = [self.soa(new - 1)] + gone + [
                self.soa(new)] + come
            self.serial = new

    # -- what it answers
    def whole(self, req):
        with self.lock:
            serial = self.serial
            rrs = self.version(serial)
        req.messages([self.soa(serial)] + rrs + [self.soa(serial)])

    def differences(self, req):
        with self.lock:
            serial = self.serial
        if req.serial == serial:
            req.send(req.message([self.soa(serial)]))
            return
        rrs = [self.soa(serial)]
        for s in range(req.serial + 1, serial + 1):
            rrs += self.deltas[s]
        req.messages(rrs + [self.soa(serial)], per=200)

    def tell(self, endpoint):
        """NOTIFY, with the serial that there is; no answer is waited for."""
        apex = wire.name(self.apex)
        msg = (struct.pack("!6H", self.serial & 0xFFFF, 4 << 11 | 0x400, 1, 1,
                           0, 0)
               + apex + struct.pack("!HH", 6, 1) + self.soa())
        self.notifier.sendto(msg, endpoint)

    def check(self, endpoint):
        """AXFR gives one of the versions, record for record; its serial."""
        got = dnsq.transfer(endpoint, self.apex)
        serial = struct.unpack("!I", got[0].rdata[-20:-16])[0]
        got = {(rr.owner, rr.type, rr.ttl, rr.rdata) for rr in got[1:-1]}
        want = {(n, A, 3600, a) for i, n in enumerate(self.names)
                for a in (self.at(i, serial),) if a is not None}
        want |= {(wire.name(self.apex), NS, 3600,
                  wire.name("ns." + self.apex)),
                 (wire.name("ns." + self.apex), A, 3600, b"\x7f\0\0\1")}
        assert got == want, "version %d: %d records too many, %d missing" % (
            serial, len(got - want), len(want - got))
        return serial


class Eye:
    """Looks at a server: what it answers must be from a version that is not
    older than one seen before, and that the primary has made."""

    def __init__(self, churn, endpoint, seed=2):
        self.churn, self.rnd = churn, random.Random(seed)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(2)
        self.sock.connect(endpoint)
        self.soa_query = wire.query(wire.name(churn.apex), 6, msgid=77)
        self.seen = 1
        self.looks = 0
        self.wrong = []

    def ask(self, query):
        self.sock.send(query)
        msg = self.sock.recv(4096)
        while msg[:2] != query[:2]:
            msg = self.sock.recv(4096)
        return msg

    def serial(self):
        """The serial that is served."""
        msg = self.ask(self.soa_query)
        assert msg[3] & 15 == 0 and msg[7] == 1, msg
        return struct.unpack("!I", msg[-20:-16])[0]

    def look(self):
        """Ask for a name of the zone."""
        i = self.rnd.randrange(len(self.churn.names))
        query = wire.query(self.churn.names[i], A,
                           msgid=self.rnd.randrange(65536))
        msg = self.ask(query)
        last, self.looks = self.churn.serial, self.looks + 1
        if msg[3] & 15 == 0 and msg[7] == 1:
            got = msg[-4:]
            ok = any(self.churn.at(i, v) == got
                     for v in range(self.seen, last + 1))
        else:
            got = struct.unpack("!I", msg[-20:-16])[0]
            ok = (msg[3] & 15 == 3 and self.seen <= got <= last
                  and self.churn.at(i, got) is None)
            self.seen = max(self.seen, got)
        if not ok:
            self.wrong.append((i, self.seen, last, got, msg))

    def watch(self, stop):
        """Look until told to stop."""
        while not stop.is_set():
            self.look()
            time.sleep(0.001)


class Probe:
    """Asks for the SOA a thousand times a second, in a process of its own,
    and knows the longest time from a question to its answer."""
    CODE = """if True:
        import select, socket, sys, time
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((sys.argv[1], int(sys.argv[2])))
        query, worst, count, due = bytes.fromhex(sys.argv[3]), 0, 0, 0
        while not select.select([sys.stdin], [], [], 0)[0]:
            began = time.monotonic()
            s.send(query)
            s.recv(4096)
            worst = max(worst, time.monotonic() - began)
            count += 1
            time.sleep(max(0, began + 0.001 - time.monotonic()))
        print(count, worst)
        """

    def __init__(self, apex, endpoint):
        query = wire.query(wire.name(apex), 6, msgid=1)
        self.child = subprocess.Popen(
            [sys.executable, "-c", self.CODE, endpoint[0], str(endpoint[1]),
             query.hex()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end(self):
        """(how often it asked, the longest time in milliseconds)"""
        out, _ = self.child.communicate(b"end\n", timeout=10)
        count, worst = out.split()
        return int(count), float(worst) * 1e3


class Listener:
    """Takes NOTIFYs, and knows the newest serial that one announced."""

    def __init__(self, case, address="127.0.0.1"):
        self.address, self.port = address, case.port()
        self.serial = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, self.port))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            msg, peer = self.sock.recvfrom(4096)
            if msg[2] & 0x80 or msg[2] >> 3 & 15 != 4:
                continue
            self.sock.sendto(msg[:2] + bytes([msg[2] | 0x84]) + msg[3:6]
                             + bytes(6) + msg[12:12 + self._question(msg)],
                             peer)
            if msg[7] == 1:
                self.serial = max(self.serial,
                                  struct.unpack("!I", msg[-20:-16])[0])

    @staticmethod
    def _question(msg):
        end = msg.index(0, 12) + 5
        return end - 12
