# SPDX-License-Identifier: BSD-2-Clause
"""Questions to a server that is measured, over UDP, with little of our own
time in them; and whether its answers are right."""
import random
import socket
import struct
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

import zones

HOST = "127.0.0.1"
SOA, A = 6, 1
BUFFER = 4 << 20
NOTIFY = 0x2400                     # opcode and AA (RFC 1996)
QR, AA = 0x8000, 0x0400
WINDOW = 100                        # messages on their way at a time


def wire_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def query_wire(number, name, rtype):
    return struct.pack("!6H", number, 0, 1, 0, 0, 0) + wire_name(name) + \
        struct.pack("!2H", rtype, 1)


def notify_wire(number, zone, serial):
    """As primaries send it: with the new SOA."""
    rdata = wire_name("ns1.nic.test") + wire_name("hostmaster.nic.test") + \
        struct.pack("!5I", serial, 7200, 900, 1209600, 300)
    return struct.pack("!6H", number, NOTIFY, 1, 1, 0, 0) + \
        wire_name(zone) + struct.pack("!2H", SOA, 1) + \
        struct.pack("!3HIH", 0xc00c, SOA, 1, 3600, len(rdata)) + rdata


def _skip_name(m, p):
    while 0 < m[p] < 0xc0:
        p += m[p] + 1
    return p + (2 if m[p] else 1)


def serial_of(m, with_flags=QR | AA):
    """The serial in an authoritative answer with a SOA, or None."""
    try:
        flags, questions, answers = struct.unpack("!3H", m[2:8])
        if flags & with_flags != with_flags or flags & 15 or not answers:
            return None
        p = 12
        for _ in range(questions):
            p = _skip_name(m, p) + 4
        p = _skip_name(m, p)
        if struct.unpack("!H", m[p:p + 2])[0] != SOA:
            return None
        p = _skip_name(m, _skip_name(m, p + 10))
        return struct.unpack("!I", m[p:p + 4])[0]
    except (IndexError, struct.error):
        return None


def udp_socket(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    s.connect((HOST, port))
    return s


class Asker:
    """One client."""

    def __init__(self, port):
        self.socket = udp_socket(port)
        self.number = random.randrange(65536)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def exchange(self, wire, timeout=0.1):
        """Send a message under a new number; the answer, or None."""
        self.number = (self.number + 1) & 0xffff
        number = struct.pack("!H", self.number)
        deadline = time.monotonic() + timeout
        try:
            self.socket.send(number + wire[2:])
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.socket.settimeout(left)
                m = self.socket.recv(65535)
                if m[:2] == number:
                    return m
        except OSError:             # nobody listens, or nothing came
            return None

    def serial(self, zone, timeout=0.1):
        m = self.exchange(query_wire(0, zone, SOA), timeout)
        return serial_of(m) if m else None


def wait_serial(port, zone, serial, timeout, running=lambda: True,
                pause=0.001, with_flags=QR | AA):
    """The moment of the first answer with that serial, or None."""
    wire = query_wire(0, zone, SOA)
    began = time.monotonic()
    with Asker(port) as asker:
        while time.monotonic() - began < timeout and running():
            m = asker.exchange(wire)
            now = time.monotonic()
            if m and serial_of(m, with_flags) == serial:
                return now
            # After a while some milliseconds more do not matter.
            time.sleep(pause if now - began < 0.5 else 0.005)
    return None


class Notifier:
    """Sends NOTIFY for one zone, and does not wait for the answer."""

    def __init__(self, port, zone):
        self.socket, self.zone = udp_socket(port), zone

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, serial):
        try:
            self.socket.send(notify_wire(serial & 0xffff, self.zone, serial))
        except OSError:             # the answer to an earlier one: no port
            pass


def _notify_some(s, waiting, sent, serial):
    """Have as many on their way as the window takes."""
    now = time.monotonic()
    for n in [n for n, t in sent.items() if now - t > 1]:
        del sent[n]                 # lost: its turn comes again
    for n, apex in waiting.items():
        if len(sent) >= WINDOW:
            break
        if n not in sent:
            s.send(notify_wire(n, apex, serial))
            sent[n] = now


def notify_all(port, apexes, serial, limit=30):
    """NOTIFY for many zones, until each was answered."""
    waiting, sent = dict(enumerate(apexes)), {}
    deadline = time.monotonic() + limit
    with udp_socket(port) as s:
        s.settimeout(0.05)
        while waiting and time.monotonic() < deadline:
            try:
                _notify_some(s, waiting, sent, serial)
                n = struct.unpack("!H", s.recv(512)[:2])[0]
            except OSError:
                continue
            waiting.pop(n, None)
            sent.pop(n, None)


def served(s, apexes, serial):
    """Those of the zones that answer with at least that serial."""
    there = set()
    s.settimeout(0.1)
    for at in range(0, len(apexes), WINDOW):
        some = apexes[at:at + WINDOW]
        try:
            for n, apex in enumerate(some):
                s.send(query_wire(at + n & 0xffff, apex, SOA))
            for _ in some:
                m = s.recv(4096)
                has = serial_of(m)
                n = struct.unpack("!H", m[:2])[0]
                if has is not None and has >= serial and n < len(apexes):
                    there.add(apexes[n])
        except OSError:             # nobody listens yet, or one got lost
            time.sleep(0.01)
    return there


def _right_address(asker, name, address):
    m = asker.exchange(query_wire(0, name, A), 1)
    if m is None:
        return False
    answer = dns.message.from_wire(m).answer
    return len(answer) == 1 and [r.to_text() for r in answer[0]] == [address]


def wrong_addresses(port, flat, count=200):
    """How many of so many names have not the address they should have."""
    with Asker(port) as asker:
        return sum(not _right_address(asker, name, address)
                   for name, address in flat.sample(count))


def wrong_small(port, scale, serial, count=100):
    """The same of small zones; every tenth has that serial, others 1."""
    rnd = random.Random(zones.SEED)
    wrong = 0
    with Asker(port) as asker:
        for _ in range(count):
            i = rnd.randrange(scale.small)
            new = serial > 1 and i % 10 == 0
            wrong += not _right_address(
                asker, "www." + zones.small_zone(i),
                zones.address_after(serial) if new else zones.flat_address(i))
    return wrong


def _ask_do(asker, name):
    q = dns.message.make_query(name, "A", want_dnssec=True, payload=1232)
    q.flags = 0
    m = asker.exchange(q.to_wire(), 1)
    return dns.message.from_wire(m) if m else None


def _types(section):
    return {r.rdtype for r in section}


def _right_referral(asker, name):
    m = _ask_do(asker, name)
    return m is not None and m.rcode() == dns.rcode.NOERROR and \
        not m.flags & dns.flags.AA and not m.answer and \
        dns.rdatatype.NS in _types(m.authority) and \
        dns.rdatatype.RRSIG in _types(m.authority)


def _right_denial(asker, name, proof):
    m = _ask_do(asker, name)
    return m is not None and m.rcode() == dns.rcode.NXDOMAIN and \
        {dns.rdatatype.SOA, proof, dns.rdatatype.RRSIG} <= _types(m.authority)


def wrong_delegations(port, scale, count=50):
    """The same of referrals and denials in the signed zones."""
    rnd = random.Random(zones.SEED)
    wrong = 0
    with Asker(port) as asker:
        for zone, proof in ((zones.NSEC, dns.rdatatype.NSEC),
                            (zones.NSEC3, dns.rdatatype.NSEC3)):
            for _ in range(count):
                below = "www." + zones.delegation(
                    rnd.randrange(scale.delegations), zone)
                wrong += not _right_referral(asker, below)
                wrong += not _right_denial(asker, zones.no_name(rnd, zone),
                                           proof)
    return wrong
