# SPDX-License-Identifier: BSD-2-Clause
"""What stands behind secondaryd: transfers out, to whom, and NOTIFY."""
import random
import socket
import struct
import subprocess
import threading
import time

from lib import dnsq, servers, wire, zones
from lib.case import test
from lib.fakeprimary import FakePrimary, rr
from lib.process import find_program

VENDORS = ("nsd", "knot", "bind")


def chain(case, kind, key, zone, below_key):
    """knotd -> secondaryd -> a real server, with NOTIFY all along."""
    top = case.server("knot", name="top")
    sut = case.server("secondaryd")
    below = case.server(kind, name="below")
    top.serve(zone, allow=[servers.allow(key)], notify=[sut.peer(key)])
    sut.follow(zone.apex, [top.peer(key)],
               allow=[servers.allow(below_key, "127.0.0.0/8")],
               notify=[below.peer(below_key)])
    below.follow(zone.apex, [sut.peer(below_key)],
                 allow=[servers.allow(below_key)])
    top.start()
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    below.start()
    below.wait_serial(zone.apex, zone.serial)
    return top, sut, below


@test(needs=("{below}", "knot", "secondaryd"), below=VENDORS,
      key=("unsigned", "signed"))
def real_secondaries_behind_it_follow_by_notify(case, below, key):
    up = servers.new_key("up.test.")
    down = servers.new_key("down.test.") if key == "signed" else None
    zone = zones.flat(count=200)
    zone.records += zones.types(zone.apex).records[5:]
    top, sut, down_server = chain(case, below, up, zone, down)
    rnd = random.Random(2)
    for _ in range(3):
        zone = zones.edited(zone, rnd)
        top.update(zone)
        # Its own refresh is an hour away: only a NOTIFY brings it.
        down_server.wait_serial(zone.apex, zone.serial)
        want = dnsq.peer_axfr(top.at(), zone.apex, key=up)
        # NSD's old process may answer a little longer.
        case.wait_until(lambda: dnsq.peer_axfr(
            down_server.at(), zone.apex, key=down) == want, 10,
            "the whole zone behind it")
        assert dnsq.axfr(sut.at(), zone.apex, key=down) == want


class Listener:
    """Hears NOTIFY, and acknowledges it when told to."""

    def __init__(self):
        self.came, self.answer = [], threading.Event()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.peer = servers.Peer("127.0.0.1", self.sock.getsockname()[1],
                                 None)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            msg, peer = self.sock.recvfrom(65535)
            self.came.append(msg)
            if self.answer.is_set():
                self.sock.sendto(
                    msg[:2] + bytes((msg[2] | 0x80,)) + msg[3:], peer)


def before_a_listener(case):
    """A primary, and secondaryd that follows it and tells a listener."""
    fake = FakePrimary(case, "fake.test.", records=[
        "fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"])
    heard = Listener()
    sut = case.server("secondaryd")
    sut.follow(fake.apex, [fake.peer()], notify=[heard.peer])
    sut.start()
    sut.wait_serial(fake.apex, 1)
    return fake, sut, heard


@test(needs=("secondaryd",), end=("stopped", "killed"))
def a_start_tells_what_is_served(case, end):
    fake, sut, heard = before_a_listener(case)
    heard.answer.set()
    sut.wait_log("NOTIFY of serial 1 heard", timeout=20)
    if end == "killed":
        sut.kill()
    else:
        assert sut.stop() == 0
    before, mark = len(heard.came), len(sut.log_text())
    sut.start()
    # Nothing is new, and yet nobody knows who missed what.
    sut.wait_log("NOTIFY of serial 1 heard", after=mark)
    assert len(heard.came) > before


@test(needs=("secondaryd",))
def notify_is_repeated_until_it_is_acknowledged(case):
    fake, sut, heard = before_a_listener(case)
    came = heard.came
    case.wait_until(lambda: len(came) >= 2, 20, "NOTIFY to be repeated")
    heard.answer.set()
    before = len(came)
    case.wait_until(lambda: len(came) > before, 20, "one more NOTIFY")
    m = wire.parse(came[-1])
    assert m.opcode == 4 and m.flags & wire.AA and not m.flags & wire.QR
    # Acknowledged: silence, until there is a new version.
    fake.serial = 2
    fake.notify(sut.at())
    sut.wait_serial(fake.apex, 2)
    case.wait_until(lambda: [x for x in came if struct.pack("!I", 2) in x]
                    or len(came) > before + 1, 10, "the next NOTIFY")


# Who may transfer

def served(case, allow, zone=None, **kw):
    zone = zone or zones.flat(count=50)
    top = case.server("knot", name="top", addresses=("127.0.0.1",))
    top.serve(zone, allow=[servers.allow()])
    top.start()
    sut = case.server("secondaryd", **kw)
    sut.follow(zone.apex, [top.peer()], allow=allow)
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    return top, sut, zone


def refused(sut, zone, **kw):
    """The rcode that a transfer is refused with, or None."""
    try:
        dnsq.axfr(sut.at(), zone.apex, **kw)
    except dnsq.TransferFailed as e:
        return e.rcode if e.rcode is not None else str(e)
    return None


@test(needs=("knot", "secondaryd"))
def a_transfer_is_refused_by_default(case):
    _, sut, zone = served(case, [])
    assert refused(sut, zone) in (wire.RCODE["REFUSED"],
                                  wire.RCODE["NOTAUTH"])
    key = servers.new_key()
    assert refused(sut, zone, key=key) not in (None, 0)
    try:
        dnsq.ixfr(sut.at(), zone.apex, 0)
        raise AssertionError("IXFR was allowed")
    except dnsq.TransferFailed as e:
        assert e.rcode is not None, e


@test(needs=("knot", "secondaryd"))
def both_the_address_and_the_key_must_match(case):
    key, other = servers.new_key(), servers.new_key("other.test.")
    top, sut, zone = served(case, [servers.allow(key, "127.0.0.7"),
                                   servers.allow(other, "127.0.0.8")])
    want = dnsq.axfr(top.at(), zone.apex)
    assert dnsq.axfr(sut.at(), zone.apex, key=key,
                     source="127.0.0.7") == want
    assert dnsq.axfr(sut.at(), zone.apex, key=other,
                     source="127.0.0.8") == want
    for k, source in ((None, "127.0.0.7"), (key, "127.0.0.1"),
                      (other, "127.0.0.7"), (key, "127.0.0.8"),
                      (None, "127.0.0.1")):
        assert refused(sut, zone, key=k, source=source) not in (None, 0), \
            (k and k.name, source)
    wrong = servers.new_key(key.name)
    assert refused(sut, zone, key=wrong, source="127.0.0.7") is not None


def with_acls(case, acls, order, keys=()):
    """secondaryd with ACLs written out; the zone has them in an order."""
    top = case.server("knot", name="top", addresses=("127.0.0.1",))
    zone = zones.flat(count=10)
    top.serve(zone, allow=[servers.allow()])
    top.start()
    sut = case.server("secondaryd")
    sut.extra_keys = list(keys)
    sut.extra = "acl:\n" + acls
    sut.follow(zone.apex, [top.peer()], acl="[ %s ]" % order)
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    return sut, zone


PLAIN = ("  - id: plain\n    address: [ 127.0.0.0/8 ]\n"
         "    action: [ transfer ]\n")


@test(needs=("knot", "secondaryd"))
def an_address_alone_opens_only_with_insecure(case):
    sut, zone = with_acls(case, PLAIN, "plain")
    assert refused(sut, zone) not in (None, 0)
    sut.extra = "acl:\n" + PLAIN + "    insecure: on\n"
    sut.reload()
    assert refused(sut, zone) is None


@test(needs=("knot", "secondaryd"))
def the_first_acl_that_matches_decides(case):
    key = servers.new_key()
    deny = "  - id: no\n    address: [ 127.0.0.66 ]\n    deny: on\n"
    keyed = ("  - id: keyed\n    key: %s\n    action: [ transfer ]\n"
             % key.name)
    sut, zone = with_acls(case, deny + PLAIN + keyed, "no, plain, keyed",
                          [key])
    # plain has no key and is passed over; keyed comes behind it
    assert refused(sut, zone, key=key) is None
    assert refused(sut, zone) not in (None, 0)
    assert refused(sut, zone, key=key, source="127.0.0.66") not in (None, 0)
    # a notify-only ACL does not open transfers
    sut.extra = "acl:\n" + deny + PLAIN + keyed.replace("transfer", "notify")
    sut.reload()
    assert refused(sut, zone, key=key) not in (None, 0)


@test(needs=("knot", "secondaryd"))
def a_key_alone_opens_to_any_address(case):
    key = servers.new_key()
    top, sut, zone = served(case, [servers.allow(key)])
    want = dnsq.axfr(top.at(), zone.apex)
    for source in ("127.0.0.1", "127.0.0.200"):
        assert dnsq.axfr(sut.at(), zone.apex, key=key,
                         source=source) == want
    assert dnsq.axfr(sut.at("::1"), zone.apex, key=key) == want


@test(needs=("knot", "dig", "kdig", "secondaryd"), program=("dig", "kdig"))
def dig_and_kdig_transfer_with_tsig(case, program):
    key = servers.new_key()
    _, sut, zone = served(case, [servers.allow(key)])
    path = sut.p("client.key")
    servers.write_private(path, "key \"%s\" { algorithm %s; secret \"%s\";"
                          " };\n" % (key.name, key.algorithm, key.secret))
    kpath = sut.p("kdig.key")
    servers.write_private(kpath, "%s:%s:%s\n" % (
        key.algorithm, key.name, key.secret))
    out = subprocess.run(
        [find_program(program), "-k", path if program == "dig" else kpath,
         "-p", str(sut.port), "@127.0.0.1", "AXFR", zone.apex],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=20).stdout
    lines = [x for x in out.splitlines() if x and not x.startswith(";")
             and "TSIG" not in x]
    # records, and the SOA twice
    assert len(lines) == len(zone.records) + 2, out[-500:]
    assert "BADSIG" not in out and "failed" not in out.lower(), out[-500:]


@test(needs=("knot", "secondaryd"))
def an_ixfr_request_gets_an_axfr_or_a_single_soa(case):
    _, sut, zone = served(case, [servers.allow()])
    kind, rrs = dnsq.ixfr(sut.at(), zone.apex, zone.serial)
    assert kind == "none" and len(rrs) == 1, (kind, len(rrs))
    kind, _ = dnsq.ixfr(sut.at(), zone.apex, zone.serial + 5)
    assert kind == "none", kind
    zone2 = zones.edited(zone, random.Random(1))
    case.servers[0].update(zone2)
    case.servers[0].wait_serial(zone.apex, zone2.serial)
    sut.ctl("refresh", zone.apex)
    sut.wait_serial(zone.apex, zone2.serial)
    kind, _ = dnsq.ixfr(sut.at(), zone.apex, zone.serial)
    assert kind in ("axfr", "ixfr"), kind


@test(needs=("secondaryd",))
def a_transfer_of_many_messages_is_signed_to_the_end(case):
    key = servers.new_key()
    records = ["fake.test. NS ns1.fake.test."] + [
        rr("h%d.fake.test. A 192.0.2.1" % i) for i in range(20000)]
    fake = FakePrimary(case, "fake.test.", key, records=records)
    sut = case.server("secondaryd")
    sut.follow(fake.apex, [fake.peer()], allow=[servers.allow(key)])
    sut.start()
    sut.wait_serial(fake.apex, 1, timeout=30)
    assert len(dnsq.axfr(sut.at(), fake.apex, key=key)) == 20002


@test(needs=("secondaryd",))
def a_slow_client_gets_the_version_it_began_with(case):
    """It reads a small window at a time, for longer than an io timeout;
    meanwhile another version comes."""
    big = ["fake.test. NS ns1.fake.test."] + [
        rr("h%d.fake.test. TXT \"%s\"" % (i, "x" * 200))
        for i in range(30000)]
    fake = FakePrimary(case, "fake.test.", records=big)
    sut = case.server("secondaryd", server={"tcp-io-timeout": "1000"})
    sut.follow(fake.apex, [fake.peer()], allow=[servers.allow()])
    sut.start()
    sut.wait_serial(fake.apex, 1, timeout=30)
    query = wire.query(wire.name(fake.apex), 252, msgid=1)
    rrs = []
    with socket.socket() as s:
        # Before connecting, as the window is agreed upon then.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(20)
        s.connect(sut.at())
        s.sendall(struct.pack("!H", len(query)) + query)
        rrs += wire.parse(dnsq.read_message(s)).answer
        began = time.monotonic()
        fake.records = [rr("fake.test. NS ns2.fake.test.")]
        fake.serial = 2
        fake.notify(sut.at())
        sut.wait_serial(fake.apex, 2)
        while rrs[-1].type != 6 or len(rrs) == 1:
            msg = dnsq.read_message(s)
            assert msg, "cut off after %d records in %.1f s" % (
                len(rrs), time.monotonic() - began)
            rrs += wire.parse(msg).answer
            # A line of some 700 kB/s.
            time.sleep(0.02)
    took = time.monotonic() - began
    assert took > 2, took
    assert len(rrs) == len(big) + 2, len(rrs)
    assert all(struct.unpack("!I", x.rdata[-20:-16])[0] == 1
               for x in rrs if x.type == 6)
    case.say("%.0f s for %d records" % (took, len(rrs)))


def xfr_query(apex, qtype, qclass=1, serial=None):
    """A query for a transfer as octets."""
    question = wire.name(apex) + struct.pack("!HH", wire.TYPE[qtype], qclass)
    held = b"" if serial is None else (
        b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 0, 22) + bytes(2)
        + struct.pack("!IIIII", serial, 0, 0, 0, 0))
    return (struct.pack("!HHHHHH", 4711, 0, 1, 0, 1 if held else 0, 0)
            + question + held)


@test(needs=("secondaryd",), qclass=(3, 4, 255))
def only_class_in_is_transferred(case, qclass):
    fake = FakePrimary(case, "fake.test.",
                       records=["fake.test. NS ns1.fake.test.",
                                "ns1.fake.test. A 192.0.2.1"])
    sut = case.server("secondaryd")
    sut.follow("fake.test.", [fake.peer()],
               allow=[servers.allow(None, "127.0.0.0/8")])
    sut.start()
    sut.wait_serial("fake.test.", 1)
    assert len(dnsq.axfr(sut.at(), "fake.test.")) > 2
    for qtype, serial in (("AXFR", None), ("IXFR", 1), ("IXFR", 0)):
        got = wire.parse(dnsq.raw_tcp(
            sut.at(), xfr_query("fake.test.", qtype, qclass, serial)))
        assert got.rcode == wire.RCODE["NOTAUTH"], (qtype, got.rcode)
        assert not got.answer


@test(needs=("secondaryd",))
def an_ixfr_over_udp_is_no_longer_than_the_client_takes(case):
    names = [".".join(c * 60 for _ in range(4)) + "." for c in "ab"]
    fake = FakePrimary(case, "fake.test.",
                       records=["fake.test. NS ns1.fake.test.",
                                "ns1.fake.test. A 192.0.2.1"])
    fake.soa = lambda serial=None: rr(
        "fake.test. SOA %s %s 1 3600 600 604800 300" % tuple(names))
    sut = case.server("secondaryd")
    sut.follow("fake.test.", [fake.peer()],
               allow=[servers.allow(None, "127.0.0.0/8")])
    sut.start()
    sut.wait_log(r"AXFR from \S+ nothing -> serial 1")
    query = xfr_query("fake.test.", "IXFR", serial=1)
    octets = dnsq.raw_udp(sut.at(), query)
    assert len(octets) <= 512, len(octets)
    assert octets[2] & 2, "no TC bit"
    assert octets[4:6] == b"\0\1", "no question"
    # Over TCP, and with a payload that is large enough, it is there.
    assert len(wire.parse(dnsq.raw_tcp(sut.at(), query)).answer) == 1
    edns = bytearray(query) + bytes([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0])
    edns[11] = 1
    octets = dnsq.raw_udp(sut.at(), bytes(edns))
    assert len(wire.parse(octets).answer) == 1 and not octets[2] & 2
