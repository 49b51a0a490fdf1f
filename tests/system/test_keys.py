# SPDX-License-Identifier: BSD-2-Clause
"""Keys that a module puts, replaces, uses and takes back."""
import os
import re
import socket
import struct
import subprocess
import threading
import time

import dns.message
import dns.rcode

from lib import dnsq, servers, tsig, wire, zones
from lib.case import test
from lib.fakeprimary import FakePrimary
from lib.process import find_program
from lib.servers import Peer
from lib.witness import Witness

APEX = "fake.test."
RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
           "www.fake.test. A 192.0.2.2"]


def slots():
    return servers.new_key("a.xfr.test."), servers.new_key("b.xfr.test.")


def again(key):
    """Another secret under the same name."""
    return servers.new_key(key.name, key.algorithm)


def many(count):
    return RECORDS + ["n%d.fake.test. TXT \"%0200d\"" % (i, i)
                      for i in range(count)]


def holder(case, keys, records=RECORDS, put=(), **follow):
    """secondaryd with a zone whose transfers out these keys sign."""
    fake = FakePrimary(case, APEX, records=records)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()],
               allow=[servers.allow(keys, "127.0.0.0/8")], **follow)
    w = Witness(case, sut)
    w.gives(*keys)
    w.load(put)
    sut.start()
    sut.wait_serial(APEX, 1)
    return fake, sut, w


def ask(sut, key, tcp=False):
    """What a signed SOA query gets: "ok", or the TSIG error's name."""
    request, mac = tsig.sign_query(
        wire.query(wire.name(APEX), wire.TYPE["SOA"], msgid=4711), key)
    got = (dnsq.raw_tcp if tcp else dnsq.raw_udp)(sut.at(), request)
    if got is None:
        return "nothing"
    t = tsig.Tsig(got)
    if t.error:
        assert got[3] & 15 == 9, got
        return {16: "BADSIG", 17: "BADKEY", 18: "BADTIME"}[t.error]
    tsig.Checker(key, mac).take(got)
    return "ok"


def key_file(case, name, key, knot=False):
    path = os.path.join(case.dir, name)
    servers.write_private(
        path, "%s:%s:%s\n" % (key.algorithm, key.name, key.secret) if knot
        else 'key "%s" { algorithm %s; secret "%s"; };\n' % (
            key.name, key.algorithm, key.secret))
    return path


def run_dig(case, sut, key, qtype, program):
    argv = [find_program(program), "@127.0.0.1", "-p", str(sut.port), "-k",
            key_file(case, program + ".key", key, program == "kdig"), APEX,
            qtype, "+norec"]
    p = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                       stderr=subprocess.STDOUT, timeout=30)
    return p.stdout


@test(needs=("secondaryd", "secondaryctl", "{program}"),
      program=("dig", "kdig"))
def a_key_that_is_put_signs_queries_and_transfers(case, program):
    a, b = slots()
    _, sut, w = holder(case, (a, b))
    # kdig names the TSIG error where dig has the RCODE, NOTAUTH.
    assert "BADKEY" in run_dig(case, sut, a, "SOA", program)
    w.put(a, 1)
    for qtype in ("SOA", "AXFR"):
        said = run_dig(case, sut, a, qtype, program)
        assert "fake.test." in said and "BAD" not in said, said
        assert "ns1.fake.test." in said and "TSIG" in said, said
        assert "could not be validated" not in said, said
        assert "verification" not in said.lower(), said
    assert "BADKEY" in run_dig(case, sut, b, "SOA", program)
    w.drop(a)
    assert "BADKEY" in run_dig(case, sut, a, "SOA", program)
    assert ask(sut, a, tcp=True) == "BADKEY"


class Loop(threading.Thread):
    """Does something until it is told to end; counts what came of it."""

    def __init__(self, what):
        super().__init__(daemon=True)
        self.what, self.counts, self.over = what, {}, threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            got = self.what()
            self.counts[got] = self.counts.get(got, 0) + 1

    def end(self):
        self.over.set()
        self.join()
        return self.counts


def transfer(sut, key):
    try:
        return "whole %d" % len(dnsq.transfer(sut.at(), APEX, key=key))
    except dnsq.TransferFailed as e:
        return str(e)


@test(needs=("secondaryd", "secondaryctl"))
def a_secret_is_replaced_without_a_moment_in_between(case):
    """Whoever asks meanwhile is verified by the one or by the other; transfers
    that run go on, and those under the other key see nothing of it."""
    a, b = slots()
    secrets = [a, again(a)]
    _, sut, w = holder(case, (a, b), records=many(3000))
    w.put(b, 9)
    w.put(secrets[0], 1)
    loops = [Loop(lambda k=k, t=t: ask(sut, k, t)) for k in secrets
             for t in (False, True)]
    others = [Loop(lambda: ask(sut, b)), Loop(lambda: transfer(sut, b))]
    replaced = 0
    until = time.monotonic() + 6
    while time.monotonic() < until:
        replaced += 1
        w.put(secrets[replaced % 2], replaced + 1)
    counts = [loop.end() for loop in loops]
    for c in counts:
        assert set(c) == {"ok", "BADSIG"}, c
        assert c["ok"] > 10 and c["BADSIG"] > 10, c
    soa, axfr = [loop.end() for loop in others]
    assert set(soa) == {"ok"}, soa
    assert set(axfr) == {"whole %d" % (3000 + len(RECORDS) + 2)}, axfr
    case.say("%d replacements; %s queries under them, %s and %s beside" % (
        replaced, sum(sum(c.values()) for c in counts), soa, axfr))


class Slow:
    """A signed AXFR that takes its time."""

    def __init__(self, sut, key):
        request, mac = tsig.sign_query(
            wire.query(wire.name(APEX), wire.TYPE["AXFR"], msgid=7), key)
        self.checker = tsig.Checker(key, mac)
        self.sock = socket.socket()
        # Little fits into the system's buffers.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(20)
        self.sock.connect(sut.at())
        self.sock.sendall(struct.pack("!H", len(request)) + request)
        self.records = 0
        self.next()

    def next(self):
        msg = dnsq.read_message(self.sock)
        if not msg:
            raise ConnectionResetError("the stream ended")
        self.records += len(wire.parse(self.checker.take(msg)).answer)

    def finish(self, expected):
        while self.records < expected:
            self.next()
        self.checker.end()


BIG = 30000


@test(needs=("secondaryd", "secondaryctl"))
def a_running_transfer_finishes_under_the_secret_it_began_with(case):
    a, b = slots()
    _, sut, w = holder(case, (a, b), records=many(BIG))
    w.put(a, 1)
    slow = Slow(sut, a)
    w.put(again(a), 2)
    assert ask(sut, a) == "BADSIG"
    w.drop(a)
    assert ask(sut, a) == "BADKEY"
    slow.finish(BIG + len(RECORDS) + 2)


def reset_time(slow):
    """Until the transfer is reset, in seconds."""
    began = time.monotonic()
    try:
        while True:
            slow.next()
    except ConnectionResetError:
        return time.monotonic() - began


@test(needs=("secondaryd", "secondaryctl"), how=("replaced", "dropped"))
def a_cut_ends_a_running_transfer_at_once(case, how):
    a, b = slots()
    _, sut, w = holder(case, (a, b), records=many(BIG))
    w.put(a, 1)
    w.put(b, 2)
    slow, other = Slow(sut, a), Slow(sut, b)
    began = time.monotonic()
    if how == "replaced":
        w.put(again(a), 3, "cut")
    else:
        w.drop(a, "cut")
    refused = ask(sut, a)
    took = time.monotonic() - began
    assert refused == ("BADSIG" if how == "replaced" else "BADKEY"), refused
    took += reset_time(slow)
    assert took < 2, took
    assert slow.records < BIG // 2, slow.records
    sut.wait_log(r"key a\.xfr\.test\., cut off: the key was taken back")
    other.finish(BIG + len(RECORDS) + 2)
    case.say("refused and cut %.0f ms after the order" % (took * 1000))


@test(needs=("secondaryd", "secondaryctl"))
def a_cut_ends_a_transfer_in_and_it_begins_anew(case):
    a, b = slots()
    fake = FakePrimary(case, APEX, a, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [Peer(fake.address, fake.port, (a, b))])
    w = Witness(case, sut)
    w.gives(a, b)
    w.load([(a, 1)])
    sut.start()
    sut.wait_serial(APEX, 1)
    begun = threading.Event()

    def hang(req):
        req.send(req.message([fake.soa()] + fake.records[:1]))
        begun.set()
        fake.stopped.wait(30)

    fake.axfr = fake.ixfr = hang
    fake.serial = 2
    sut.ctl("refresh", APEX)
    assert begun.wait(10)
    fake.key, fake.axfr, fake.ixfr = b, fake.whole, fake.whole
    w.put(b, 2)
    began = time.monotonic()
    w.drop(a, "cut")
    sut.wait_serial(APEX, 2)
    case.say("cut, and transferred under the other key, in %.0f ms" % (
        (time.monotonic() - began) * 1000))
    sut.wait_log(r"is cut off: key a\.xfr\.test\. was taken back")
    assert re.search(r"key\s+b\.xfr\.test", sut.status_of(APEX)), \
        sut.status_of(APEX)


@test(needs=("secondaryd", "secondaryctl"))
def without_its_key_a_primary_is_not_asked_until_it_comes(case):
    a, b = slots()
    fake = FakePrimary(case, APEX, a, records=RECORDS)
    sut = case.server("secondaryd", template={"retry-min-interval": "1h",
                                              "retry-max-interval": "1h"})
    sut.follow(APEX, [Peer(fake.address, fake.port, a)],
               notify=[Peer(fake.address, fake.port, b)])
    w = Witness(case, sut)
    w.gives(a, b)
    w.load()
    sut.start()
    case.wait_until(
        lambda: "key a.xfr.test. is not there: module witness gives none"
        in sut.status_of(APEX), 10, "the status to say why")
    assert not fake.seen and not fake.connections, fake.seen
    w.put(a, 1)
    sut.wait_serial(APEX, 1, timeout=3)
    assert all(x[2] for x in fake.seen if x[0] != "NOTIFY"), fake.seen
    # And so with what it has to tell; the fourth try would take four seconds.
    case.wait_until(lambda: "not answered yet after 3 tries: "
                    "key b.xfr.test. is not there" in sut.status_of(APEX),
                    10, "the status of NOTIFY")
    fake.key = b
    before = len(fake.seen)
    w.put(b, 2)
    case.wait_until(lambda: len(fake.seen) > before, 2, "NOTIFY to be sent")
    assert fake.seen[-1][2], fake.seen


@test(needs=("secondaryd", "secondaryctl", "bind"))
def another_key_signs_queries_transfers_and_notify(case):
    """Towards a named that knows both."""
    a, b = slots()
    zone = zones.flat(count=20, single=True)
    up, down = case.server("bind", name="up"), case.server("bind", name="down")
    sut = case.server("secondaryd")
    up.options = down.options = "request-nsid no;"
    up.serve(zone, allow=[servers.allow(a), servers.allow(b)])
    down.follow(zone.apex, [sut.peer(a), sut.peer(b)])
    sut.follow(zone.apex, [up.peer(a)], allow=[servers.allow((a, b))],
               notify=[down.peer(a)])
    w = Witness(case, sut)
    w.gives(a, b)
    w.load([(a, 1), (b, 2)])
    up.start()
    sut.start()
    down.start()
    sut.wait_serial(zone.apex, zone.serial)
    down.wait_serial(zone.apex, zone.serial)

    def move(key, other):
        nonlocal zone
        marks = {s: len(s.log_text()) for s in (up, down, sut)}
        zone = zone.copy(zone.serial + 1)
        zone.add("n%d" % zone.serial, "A", "192.0.2.3")
        up.update(zone)
        up.wait_serial(zone.apex, zone.serial)
        sut.ctl("refresh", zone.apex)
        down.wait_serial(zone.apex, zone.serial)
        said = up.log_text()[marks[up]:]
        assert "TSIG %s" % key.name.rstrip(".") in said, said
        assert other.name.rstrip(".") not in said, said
        case.wait_until(
            lambda: "TSIG '%s'" % key.name.rstrip(".")
            in down.log_text()[marks[down]:], 10,
            lambda: "NOTIFY under %s: %s" % (
                key.name, down.log_text()[marks[down]:]))
        sut.wait_log(r"IXFR from .* key %s" % re.escape(key.name),
                     after=marks[sut])
        assert re.search(r"key\s+%s" % re.escape(key.name),
                         sut.status_of(zone.apex)), sut.status_of(zone.apex)

    move(a, b)
    w.use(a, b)
    move(b, a)
    w.use(a, a)
    move(a, b)
    for key, tag in (a, 1), (b, 2):
        for server in up, down:
            w.heard(r"key-used out %s error 0 tag %d count \d+ peer %s@%d " % (
                re.escape(key.name), tag, *server.at()))


@test(needs=("secondaryd", "secondaryctl"))
def a_module_hears_what_became_of_signatures(case):
    a, b = slots()
    _, sut, w = holder(case, (a, b))
    old = again(a)
    assert ask(sut, a) == "BADKEY"
    w.heard(r"key-used in a\.xfr\.test\. error 17 tag 0 count 1 "
            r"peer 127\.0\.0\.1@0")
    w.put(a, 1)
    w.put(old, 7, "compare")
    for _ in range(5):
        assert ask(sut, a) == "ok"
    w.heard(r"key-used in a\.xfr\.test\. error 0 tag 1 count \d")
    assert ask(sut, again(a)) == "BADSIG"
    w.heard(r"key-used in a\.xfr\.test\. error 16 tag 0 count 1")
    assert ask(sut, old) == "BADSIG"
    w.heard(r"key-used in a\.xfr\.test\. error 16 tag 7 count 1")
    request, _ = tsig.sign_query(
        wire.query(wire.name(APEX), wire.TYPE["SOA"], msgid=4711), a,
        when=int(time.time()) - 900)
    assert tsig.Tsig(dnsq.raw_udp(sut.at(), request)).error == tsig.BADTIME
    m = w.heard(r"key-used in a\.xfr\.test\. error 18 tag 1 count 1 "
                r"peer \S+ skew (-?\d+)")
    assert -905000 <= int(m.group(1)) <= -895000, m.group(1)
    assert sum(int(m.group(1)) for m in (
        re.match(r"key-used in \S+ error 0 tag 1 count (\d+)", c)
        for c in w.calls()) if m) == 5, w.calls()


@test(needs=("secondaryd", "secondaryctl"))
def strangers_fill_neither_memory_nor_log(case):
    """Under a slot's name, from many addresses, with anything."""
    a, b = slots()
    _, sut, w = holder(case, (a, b), put=[(a, 1)])
    bad = again(a)
    request, _ = tsig.sign_query(
        wire.query(wire.name(APEX), wire.TYPE["SOA"], msgid=4711), bad)
    sent = 0
    for i in range(3000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.%d.%d.%d" % (1 + i % 200, i // 200 % 200, 1), 0))
            s.settimeout(1)
            s.sendto(request, sut.at())
            try:
                s.recv(4096)
                sent += 1
            except OSError:
                pass
        if i % 100 == 0:
            assert ask(sut, a) == "ok"
    w.heard(r"key-used in a\.xfr\.test\. error 0 tag 1")
    told = [c for c in w.calls() if "error 16" in c]
    assert sent > 2900 and 0 < len(told) <= 3000, (sent, len(told))
    lines = sut.log_text().count("refused: BADSIG")
    assert lines < 400, lines
    case.say("%d answered, %d told, %d lines logged" % (
        sent, len(told), lines))


def prober(case, ahead=None):
    """secondaryd and its witness, for probes of others."""
    sut = case.server("secondaryd")
    w = Witness(case, sut)
    w.load()
    sut.follow(APEX, [FakePrimary(case, APEX, records=RECORDS).peer()])
    if ahead:
        # What faketime sets for a program, without being its parent.
        faketime = [find_program("faketime"), "-f", ahead, "printenv"]
        sut.environment = {
            name: subprocess.check_output(faketime + [name],
                                          text=True).strip()
            for name in ("LD_PRELOAD", "FAKETIME")}
    sut.start()
    return w


@test(needs=("secondaryd", "secondaryctl", "{server}"),
      server=("bind", "nsd", "knot"))
def a_probe_tells_what_a_server_makes_of_a_key(case, server):
    a, b = slots()
    zone = zones.flat(count=20, single=True)
    p = case.server(server)
    p.serve(zone, allow=[servers.allow(a)])
    p.start()
    w = prober(case)
    for more in ((), ("tcp",)):
        # Not put yet, so the secret comes along.
        said = w.probe(p.at(), zone.apex, a, *more, secret=True)
        assert said[:4] == ("verified", 0, 0, zone.serial), said
        assert abs(said[4]) <= 2000 and said[5] < 2000, said
        said = w.probe(p.at(), zone.apex, b, *more, secret=True)
        assert said[:4] == ("refused", 9, 17, -1), said
        said = w.probe(p.at(), zone.apex, again(a), *more, secret=True)
        assert said[:4] == ("refused", 9, 16, -1), said
    w.put(a, 1)
    said = w.probe(p.at(), zone.apex, a)
    assert said[:4] == ("verified", 0, 0, zone.serial), said
    # Knot DNS does not sign what it says of a zone that it does not have.
    said = w.probe(p.at(), "elsewhere.test.", a)
    assert said[0] in ("verified", "unsigned") and said[1] == 5, said


@test(needs=("secondaryd", "secondaryctl", "{server}", "faketime"),
      server=("bind", "nsd", "knot"))
def a_probe_tells_whose_clock_is_wrong(case, server):
    """Ours, by a quarter of an hour; named does not run with such a clock."""
    a, _ = slots()
    zone = zones.flat(count=20, single=True)
    p = case.server(server)
    p.serve(zone, allow=[servers.allow(a)])
    p.start()
    w = prober(case, ahead="+900s")
    for more in ((), ("tcp",)):
        said = w.probe(p.at(), zone.apex, a, *more, secret=True)
        assert said[:4] == ("refused", 9, 18, -1), said
        assert abs(said[4] + 900000) <= 5000, said


@test(needs=("secondaryd", "secondaryctl"))
def a_probe_tells_who_does_not_answer(case):
    a, b = slots()
    _, sut, w = holder(case, (a, b), put=[(a, 1)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as quiet, \
            socket.socket() as listener:
        quiet.bind(("127.0.0.1", case.port()))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(quiet.getsockname())
        listener.listen()
        for more in ((), ("tcp",)):
            said = w.probe(quiet.getsockname(), APEX, a, *more, timeout=300)
            assert said[0] == "silent" and 300 <= said[5] < 3000, said
    free = ("127.0.0.1", case.port())
    for more in ((), ("tcp",)):
        said = w.probe(free, APEX, a, *more)
        assert said[0] == "unreachable" and said[5] < 1000, said
        said = w.probe(sut.at(), APEX, a, *more)
        assert said[:4] == ("verified", 0, 0, 1), said
        said = w.probe(sut.at(), APEX, a, *(more + ("from", "127.0.0.9")))
        assert said[0] == "verified", said
        said = w.probe(sut.at(), APEX, a, *(more + ("from", "192.0.2.1")))
        assert said[0] == "failed", said
    w.heard(r"key-used in a\.xfr\.test\. error 0 tag 1 count \d+ "
            r"peer 127\.0\.0\.9@0")
    # An answer without TSIG, and one whose signature is wrong.
    fake = FakePrimary(case, APEX, records=RECORDS)
    said = w.probe((fake.address, fake.port), APEX, a)
    assert said[:3] == ("unsigned", 0, 0), said
    fake.key = a
    fake.on_soa = lambda req: req.send(req.message([fake.soa()]), spoil=True)
    said = w.probe((fake.address, fake.port), APEX, a)
    assert said[:3] == ("wrong", 0, 16), said
    # Those that run when it ends are told, too.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as quiet:
        quiet.bind(("127.0.0.1", 0))
        for i in range(1000, 1064):
            w.done("probe", i, "127.0.0.1", quiet.getsockname()[1], APEX,
                   a.name, 60000)
        assert w.command("probe", 1064, "127.0.0.1", quiet.getsockname()[1],
                         APEX, a.name, 60000) == -13  # SECD_EBUSY
        sut.stop()
    told = [int(c.split()[1]) for c in w.calls() if " failed " in c]
    assert sorted(x for x in told if x >= 1000) == list(range(1000, 1064)), \
        told


@test(needs=("secondaryd", "secondaryctl"))
def a_reload_keeps_keys_and_a_restart_puts_them_again(case):
    a, b = slots()
    _, sut, w = holder(case, (a, b), put=[(a, 1)])
    assert ask(sut, a) == "ok"
    w.put(b, 2)
    sut.reload()
    assert ask(sut, a) == "ok" and ask(sut, b) == "ok"
    # The operator takes the one over.
    del sut.module_keys[b.name]
    sut.reload()
    assert ask(sut, b) == "ok"
    assert w.command("key-put", b.name, b.algorithm, w.file(again(b)),
                     3) == -5  # SECD_EEXIST
    sut.module_keys[b.name] = "witness"
    sut.restart()
    assert ask(sut, a) == "ok" and ask(sut, b) == "BADKEY"


@test(needs=("secondaryd", "secondaryctl"))
def a_module_knows_when_a_zone_expires(case):
    a, b = slots()
    fake = FakePrimary(case, APEX, records=RECORDS)
    fake.timers = {"refresh": 1, "retry": 1, "expire": 4}
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()], allow=[servers.allow((a, b))])
    w = Witness(case, sut)
    w.gives(a, b)
    w.load()
    sut.start()
    sut.wait_serial(APEX, 1)
    said = sut.ctl("witness", "zone-keys", APEX)
    assert "expired" in said and "a.xfr.test." in said, said
    assert re.search(r"expired\S*\s+(off|no)", said), said
    fake.stop()
    case.wait_until(lambda: re.search(
        r"expired\S*\s+(on|yes)", sut.ctl("witness", "zone-keys", APEX)), 20,
        lambda: sut.ctl("witness", "zone-keys", APEX))
    sut.restart()
    w.heard(r"zone-added fake\.test\. \d+ expired")
