# SPDX-License-Identifier: BSD-2-Clause
"""Very many zones, and very large ones: one burst starves nobody, no zone
costs a connection or a sync of its own, memory does not grow with a zone."""
import os
import re
import socket
import struct
import threading

from lib import burst, dnsq, servers, wire
from lib.case import test
from lib.fakeprimary import FakePrimary, record, rr, soa

TIMERS = struct.pack("!4I", 7200, 900, 1209600, 300)
PER_PRIMARY = 4  # transfers-per-primary, unless configured


class ManyZones(FakePrimary):
    """A primary of small zones, all with the same serial; `gate` lets
    answers out."""

    def __init__(self, case, apexes, **kw):
        super().__init__(case, "many.test.", **kw)
        self.apexes = list(apexes)
        self.gate = threading.Event()
        self.gate.set()
        self.lock = threading.Lock()
        self.held = self.open = self.most_open = 0
        self.on_soa = self.tell_one
        self.axfr, self.ixfr = self.one_axfr, self.one_ixfr

    def _serve(self, conn):
        with self.lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            super()._serve(conn)
        finally:
            with self.lock:
                self.open -= 1

    def pass_gate(self):
        with self.lock:
            self.held += 1
        self.gate.wait(60)
        with self.lock:
            self.held -= 1

    @staticmethod
    def start_of(req, serial):
        name = wire.name("ns1.many.test.")
        return record(req.question[:-4], 6, 3600, name + name
                      + struct.pack("!I", serial) + TIMERS)

    @staticmethod
    def address_of(req, serial):
        return record(b"\3www" + req.question[:-4], 1, 3600,
                      bytes((192, 0, 2, serial)))

    def tell_one(self, req):
        self.pass_gate()
        req.send(req.message([self.start_of(req, self.serial)]))

    def one_axfr(self, req):
        self.pass_gate()
        first = self.start_of(req, self.serial)
        ns = record(req.question[:-4], 2, 3600, wire.name("ns1.many.test."))
        req.messages([first, ns, self.address_of(req, self.serial), first])

    def one_ixfr(self, req):
        self.pass_gate()
        new, old = (self.start_of(req, n) for n in (self.serial, req.serial))
        req.messages([new, old, self.address_of(req, req.serial), new,
                      self.address_of(req, self.serial), new])

    def notify_all(self, endpoint):
        """A NOTIFY for each zone; all are acknowledged."""
        got = burst.ask_all([endpoint], [
            struct.pack("!HHHHHH", 0, 4 << 11 | 0x400, 1, 0, 0, 0)
            + wire.name(a) + struct.pack("!HH", 6, 1) for a in self.apexes])
        assert all(g and wire.parse(g).rcode == 0 for g in got[0])


def serials(sut, apexes):
    """What is served of each zone; None: nothing."""
    got, = burst.ask_all([sut.at()], [wire.query(wire.name(a), 6)
                                      for a in apexes])
    parsed = [wire.parse(g).answer if g else () for g in got]
    return [struct.unpack("!I", a[0].rdata[-20:-16])[0] if a else None
            for a in parsed]


def wait_all(case, sut, apexes, serial):
    left = set(apexes)

    def arrived():
        ask = sorted(left)
        left.difference_update(a for a, s in zip(ask, serials(sut, ask))
                               if s == serial)
        return not left

    case.wait_until(arrived, 100, "serial %d of %d zones" % (
        serial, len(apexes)))


def names(count, stem="z"):
    return ["%s%d.many.test." % (stem, i) for i in range(count)]


def following(case, apexes, launch=None, **kw):
    many = ManyZones(case, apexes)
    sut = case.server("secondaryd", log="info", **kw)
    for apex in many.apexes:
        sut.follow(apex, [many.peer()])
    if launch:
        launch(sut)
        sut.wait_ready()
    else:
        sut.start()
    wait_all(case, sut, many.apexes, 1)
    return many, sut


@test(needs=("secondaryd", "secondaryctl"))
def a_thousand_zones_notified_at_once_starve_nobody(case):
    many, sut = following(case, names(1000))
    other = FakePrimary(case, "other.test.",
                        records=["other.test. NS ns1.other.test."])
    other.ixfr = lambda req: req.messages(
        [soa(other.apex, n) for n in (other.serial, req.serial)]
        + [soa(other.apex, other.serial),
           rr("n%d.other.test. A 192.0.2.1" % other.serial),
           soa(other.apex, other.serial)])
    sut.follow(other.apex, [other.peer()])
    sut.reload()
    sut.wait_serial(other.apex, 1)
    many.gate.clear()
    many.serial = 2
    many.notify_all(sut.at())
    case.wait_until(lambda: many.held == PER_PRIMARY, 10,
                    "the primary to be asked by as many as may")
    many.notify_all(sut.at())
    for other.serial in range(2, 7):
        other.notify(sut.at())
        sut.wait_serial(other.apex, other.serial)
    assert sut.transfers(other.apex, 6)[1:] == [
        ("IXFR", n - 1, n) for n in range(2, 7)], sut.log_text()
    assert serials(sut, many.apexes) == [1] * len(many.apexes)
    assert "1001" in sut.ctl("status")
    assert "serial" in sut.ctl("zone-status", many.apexes[-1])
    sut.ctl("refresh", other.apex)
    assert many.held == PER_PRIMARY
    many.gate.set()
    wait_all(case, sut, many.apexes, 2)
    assert many.most_open == PER_PRIMARY, many.most_open
    # Each zone has asked four times by now.
    assert many.connections < 100, many.connections
    case.say("%d questions over %d connections" % (
        len(many.seen), many.connections))


@test(needs=("secondaryd", "secondaryctl", "strace"))
def zones_that_come_together_are_made_durable_together(case):
    trace = os.path.join(case.dir, "trace")
    many, sut = following(case, names(1000), launch=lambda s: s.launch((
        "strace", "-f", "-qq", "-o", trace, "-e",
        "trace=fsync,fdatasync,msync,sync_file_range")))
    sut.ctl("stop")
    case.wait_until(lambda: not sut.running(), 20, "it to end")
    with open(trace) as f:
        syncs = len(re.findall(r"^\d+ +(?:f|m)\w*sync\(", f.read(), re.M))
    assert 0 < syncs < len(many.apexes) / 4, syncs
    case.say("%d syncs" % syncs)
    many.stop()
    sut.start()
    assert serials(sut, many.apexes) == [1] * len(many.apexes)


@test(needs=("secondaryd", "secondaryctl"), limit=600, long=True)
def ten_thousand_zones_are_reloaded_and_restarted(case):
    many, sut = following(case, names(10000))
    assert sut.ctl("zone-status").count("\n    serial ") == len(many.apexes)
    lost, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            if dnsq.addresses(sut.at(), "www." + many.apexes[1]) is None:
                lost.append(1)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for old in range(0, 5000, 5):
            del sut.zones[many.apexes[old]]
        for apex in names(1000, "new"):
            sut.follow(apex, [many.peer()])
        sut.reload()
        wait_all(case, sut, names(1000, "new"), 1)
    finally:
        stop.set()
        thread.join()
    assert not lost
    stay = sorted(sut.zones)
    assert len(stay) == 10000
    assert serials(sut, [many.apexes[0]]) == [None]
    many.stop()
    sut.stop()
    sut.start()
    assert serials(sut, stay) == [1] * len(stay)


def flat(count, order):
    """Messages of an AXFR with so many names, and the records in them."""
    step = 1 if order == "sorted" else 7919
    for first in range(0, count, 400):
        yield [b"\x09n%08d\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4"
               % (i * step % count) + struct.pack("!I", i)
               for i in range(first, min(first + 400, count))]


def peak_kib(sut):
    with open("/proc/%d/status" % sut.program.pid) as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


@test(needs=("secondaryd",), limit=600, long=True,
      order=("sorted", "shuffled"))
def a_zone_larger_than_the_memory_it_takes(case, order):
    """A build is given less memory than its image has octets; meanwhile
    another zone is answered."""
    count = 1000000
    big = FakePrimary(case, "big.test.")

    def axfr(req):
        req.send(req.message([big.soa(), rr("big.test. NS ns1.big.test.")]))
        for rrs in flat(count, order):
            req.send(req.message(rrs))
        req.send(req.message([big.soa()]))

    many, sut = following(case, names(1))
    before, big.axfr = peak_kib(sut), axfr
    sut.follow(big.apex, [big.peer()])
    sut.reload()
    answers = 0
    while sut.serial(big.apex) != 1:
        answers += serials(sut, many.apexes) == [1]
    peak = peak_kib(sut)
    name = "n%08d.big.test." % (count - 1)
    assert len(dnsq.addresses(sut.at(), name)) == 1
    images = sut.p("state", "images")
    size = max(os.path.getsize(os.path.join(images, f))
               for f in os.listdir(images)) // 1024
    assert peak < size, (peak, size)
    case.say("%d MiB before, at most %d MiB; the image has %d MiB; "
             "%d answers meanwhile" % (before // 1024, peak // 1024,
                                       size // 1024, answers))


def narrow(endpoint):
    """A connection that takes next to nothing unless it is read."""
    s = socket.socket()
    # Before connecting, as the window is agreed upon then.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(20)
    s.connect(endpoint)
    return s


@test(needs=("secondaryd",))
def clients_that_read_nothing_hold_up_no_other(case):
    """Transfers to them wait for room; the one TCP worker does not."""
    records = ["fake.test. NS ns1.fake.test."] + [
        record(wire.name("h%d.fake.test." % i), 16, 3600, b"\xc8" + b"x" * 200)
        for i in range(30000)]
    fake = FakePrimary(case, "fake.test.", records=records)
    sut = case.server("secondaryd")
    sut.follow(fake.apex, [fake.peer()], allow=[servers.allow()])
    sut.start()
    sut.wait_serial(fake.apex, 1, timeout=30)
    query = wire.query(wire.name(fake.apex), 252)
    stuck = [narrow(sut.at()) for _ in range(8)]
    for s in stuck:
        s.sendall(struct.pack("!H", len(query)) + query)
        assert dnsq.read_message(s)
    for tcp in (False, True):
        assert dnsq.ask(sut.at(), fake.apex, "SOA", tcp=tcp).rcode() == 0
    whole = len(records) + 1
    assert len(dnsq.axfr(sut.at(), fake.apex)) == whole
    for s in stuck:
        s.close()
