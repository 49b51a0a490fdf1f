# SPDX-License-Identifier: BSD-2-Clause
"""A primary that says what a test tells it to, octet by octet.

SOA queries are answered from .serial; what an AXFR or IXFR request gets is a
function of the test's, which may sign, spoil, delay and cut as it likes:

    def ixfr(req):
        req.send(req.message([...records...]))

The functions run in threads of the test process.
"""
import re
import socket
import struct
import threading
import time

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from . import dnsq, tsig, wire


def rr(text, ttl=3600):
    """A record as octets: "owner type rdata" or "owner ttl type rdata"."""
    owner, rest = text.split(None, 1)
    m = re.match(r"(\d+)\s+(.*)", rest, re.S)
    if m:
        ttl, rest = int(m.group(1)), m.group(2)
    rtype, rdata = (rest.split(None, 1) + [""])[:2]
    wired = dns.rdata.from_text(dns.rdataclass.IN,
                                dns.rdatatype.from_text(rtype),
                                rdata).to_wire()
    return record(wire.name(owner), wire.type_number(rtype), ttl, wired)


def record(owner, rtype, ttl, rdata, cls=1):
    return owner + struct.pack("!HHIH", rtype, cls, ttl, len(rdata)) + rdata


def soa(apex, serial, refresh=3600, retry=600, expire=604800, minimum=300,
        ttl=3600):
    return rr("%s %d SOA ns1.%s hostmaster.%s %d %d %d %d %d" % (
        apex, ttl, apex, apex, serial, refresh, retry, expire, minimum))


class Request:
    """One query that came, and ways to answer it."""

    def __init__(self, primary, octets, sock):
        self.primary, self.octets, self.sock = primary, octets, sock
        self.tsig = tsig.Tsig(octets)
        plain = self.tsig.message if self.tsig.ok else octets
        m = wire.parse(plain)
        self.id = m.id
        self.question = m.question
        self.type = struct.unpack_from("!H", m.question,
                                       len(m.question) - 4)[0]
        self.opcode = m.opcode
        self.serial = next((struct.unpack("!I", x.rdata[-20:-16])[0]
                            for x in m.authority if x.type == 6), None)
        key = primary.key
        self.verified = bool(key) and tsig.verify_query(octets, key)[0]
        self.signer = tsig.Signer(key, self.tsig.mac) if self.verified \
            else None

    def message(self, answer=(), question=True, rcode=0, flags=0x8400,
                msgid=None):
        """A response with these records in its answer section."""
        answer = list(answer)
        return (struct.pack("!HHHHHH", self.id if msgid is None else msgid,
                            flags | rcode, 1 if question else 0, len(answer),
                            0, 0)
                + (self.question if question else b"") + b"".join(answer))

    def send(self, msg, **how):
        """Sign (if a key is used) and send one message."""
        self.send_raw(self.signer.sign(msg, **how) if self.signer else msg)

    def send_unsigned(self, msg):
        """Send one message that the next MAC covers."""
        self.send_raw(self.signer.leave_unsigned(msg)
                      if self.signer else msg)

    def send_raw(self, msg):
        self.sock.sendall(struct.pack("!H", len(msg)) + msg)

    def send_slowly(self, octets, pause):
        """One octet at a time."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(octets)):
            self.sock.sendall(octets[i:i + 1])
            if self.primary.stopped.wait(pause):
                return

    def messages(self, rrs, per=100):
        """Send records in messages of so many each."""
        rrs = list(rrs)
        for i in range(0, len(rrs), per):
            self.send(self.message(rrs[i:i + per], question=i == 0))

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class FakePrimary:
    """Listens on TCP and UDP at one address and port."""

    def __init__(self, case, apex, key=None, address="127.0.0.1", serial=1,
                 records=()):
        self.apex, self.key, self.serial = apex, key, serial
        self.records = [rr(x) if isinstance(x, str) else x for x in records]
        self.address, self.port = address, case.port()
        self.timers = {}
        self.tsig_error = 0
        # What came: (type name, serial in the request, signed rightly).
        self.seen = []
        self.axfr = self.whole
        self.ixfr = self.whole
        self.on_soa = self.tell_soa
        self.stopped = threading.Event()
        self.connections = 0
        self.clients = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((address, self.port))
        self.tcp.listen(20)
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((address, self.port))
        for work in (self._accept, self._datagrams):
            threading.Thread(target=work, daemon=True).start()

    def peer(self, key=None):
        from .servers import Peer
        return Peer(self.address, self.port, key or self.key)

    def soa(self, serial=None):
        return soa(self.apex, self.serial if serial is None else serial,
                   **self.timers)

    # -- what it answers unless told otherwise
    def whole(self, req):
        """The zone in the manner of AXFR."""
        req.messages([self.soa()] + self.records + [self.soa()])

    def tell_soa(self, req):
        req.send(req.message([self.soa()]))

    def refuse_key(self, req):
        """What a server says to a key that it does not have, or that it has
        with another secret: NOTAUTH, with this error in a TSIG, if any."""
        msg = req.message(rcode=wire.RCODE["NOTAUTH"])
        if self.tsig_error and req.tsig.ok:
            msg = tsig.append_error(msg, req.tsig, self.tsig_error)
        req.send_raw(msg)

    @staticmethod
    def refuse(req):
        req.send(req.message(rcode=wire.RCODE["REFUSED"]))

    @staticmethod
    def servfail(req):
        req.send(req.message(rcode=wire.RCODE["SERVFAIL"]))

    @staticmethod
    def notimp(req):
        req.send(req.message(rcode=wire.RCODE["NOTIMP"]))

    def count(self, qtype):
        return sum(x[0] == qtype for x in self.seen)

    def stop(self):
        self.stopped.set()
        for s in (self.tcp, self.udp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    # -- sockets
    def _accept(self):
        while not self.stopped.is_set():
            try:
                conn, client = self.tcp.accept()
            except OSError:
                return
            self.connections += 1
            self.clients.add(client[0])
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, conn):
        with conn:
            conn.settimeout(60)
            while not self.stopped.is_set():
                try:
                    octets = dnsq.read_message(conn)
                    if not octets:
                        return
                    self._handle(octets, conn)
                except (OSError, wire.Malformed):
                    return

    def _handle(self, octets, conn):
        req = Request(self, octets, conn)
        self.seen.append((wire.type_text(req.type), req.serial,
                          req.verified))
        if self.key and not req.verified:
            self.refuse_key(req)
        elif req.type == wire.TYPE["SOA"]:
            self.on_soa(req)
        elif req.type == wire.TYPE["IXFR"]:
            self.ixfr(req)
        else:
            self.axfr(req)

    def _datagrams(self):
        while not self.stopped.is_set():
            try:
                octets, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            try:
                if len(octets) >= 12:
                    self._handle(octets, _Datagram(self.udp, peer))
            except (OSError, wire.Malformed):
                continue

    # -- NOTIFY
    def notify(self, endpoint, key=None, timeout=2):
        """Send a NOTIFY from this address; the rcode of the answer."""
        return notify(endpoint, self.apex, key or self.key,
                      source=self.address, timeout=timeout)


class _Datagram:
    """A UDP peer with the face of a connected TCP socket."""

    def __init__(self, sock, peer):
        self.sock, self.peer = sock, peer

    def sendall(self, octets):
        self.sock.sendto(octets[2:], self.peer)

    def shutdown(self, _how):
        pass


def notify(endpoint, apex, key=None, source=None, timeout=2, serial=None,
           msgid=4711, qtype=6):
    """Send a NOTIFY; the response taken apart, or None."""
    answer = b"" if serial is None else soa(apex, serial)
    msg = (struct.pack("!HHHHHH", msgid, 4 << 11 | 0x400, 1,
                       1 if answer else 0, 0, 0)
           + wire.name(apex) + struct.pack("!HH", qtype, 1) + answer)
    if key:
        msg, _ = tsig.sign_query(msg, key)
    for _ in range(3):
        got = dnsq.raw_udp(endpoint, msg, timeout=timeout, source=source)
        if got is not None:
            return wire.parse(got)
    return None


def wait_never(cond, seconds):
    """True when cond stays false for so long: for what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if cond():
            return False
        time.sleep(0.02)
    return True
