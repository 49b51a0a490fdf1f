# SPDX-License-Identifier: BSD-2-Clause
"""Single messages, and how TCP connections are used and ended."""
import socket
import struct
import time

from lib import dnsq, wire, zones
from lib.case import test

APEX = "flat.test."


def serving(case, **kw):
    zone = zones.flat(count=100)
    top = case.server("nsd", name="top", addresses=("127.0.0.1",))
    from lib import servers
    top.serve(zone, allow=[servers.allow()])
    top.start()
    sut = case.server("secondaryd", **kw)
    sut.follow(zone.apex, [top.peer()])
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    return sut, zone


NEEDS = ("nsd", "secondaryd")
N = wire.name(APEX)
Q = N + struct.pack("!HH", 6, 1)


def q(**kw):
    return wire.query(kw.pop("name", N), kw.pop("type", 6), msgid=77, **kw)


def head(flags=0, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!HHHHHH", 77, flags, qd, an, ns, ar)


SOA_OK, NONE = "SOA", "silence"

# name: (octets, what is expected: an rcode, "SOA" or silence)
VECTORS = {
    "a plain query": (q(), SOA_OK),
    "another class": (q(qclass=4), "REFUSED"),
    "another zone": (q(name=wire.name("example.")), "REFUSED"),
    "a response": (q(flags=wire.QR), NONE),
    "a NOTIFY response": (q(flags=wire.QR, opcode=4), NONE),
    "eleven octets": (b"\0" * 11, NONE),
    "no octets to speak of": (b"\0\1", NONE),
    "opcode 1": (q(opcode=1), "NOTIMP"),
    "opcode 2": (q(opcode=2), "NOTIMP"),
    "opcode 3": (q(opcode=3), "NOTIMP"),
    "opcode 6": (q(opcode=6), "NOTIMP"),
    "opcode 15": (q(opcode=15), "NOTIMP"),
    "no question": (head(qd=0), "FORMERR"),
    "two questions": (head(qd=2) + Q + Q, "FORMERR"),
    "a question that is not there": (head(), "FORMERR"),
    "a question that is cut": (head() + Q[:-3], "FORMERR"),
    "a QNAME that points to itself": (
        head() + b"\xc0\x0c" + struct.pack("!HH", 6, 1), "FORMERR"),
    "a label of type 01": (
        head() + b"\x41a\0" + struct.pack("!HH", 6, 1), "FORMERR"),
    "a QNAME above 255 octets": (
        head() + b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 3 + b"\1a\0"
        + struct.pack("!HH", 6, 1), "FORMERR"),
    "two OPT": (head(ar=2) + Q + wire.opt(1232) * 2, "FORMERR"),
    "an OPT in the answer": (head(an=1) + Q + wire.opt(1232), "FORMERR"),
    "an OPT with a broken option": (
        head(ar=1) + Q + struct.pack("!BHHBBHH", 0, 41, 1232, 0, 0, 0, 4)
        + b"\0\3\0\x09", "FORMERR"),
    "EDNS version 1": (q(edns=1232, version=1), "BADVERS"),
    "EDNS version 255": (q(edns=1232, version=255), "BADVERS"),
    "unknown EDNS flags": (q(edns=1232, edns_flags=0x7fff), SOA_OK),
    "an unknown option": (
        q(edns=1232, options=wire.option(65001, b"x" * 50)), SOA_OK),
    "a cookie": (q(edns=1232, options=wire.option(10, b"8octets!")), SOA_OK),
    "client subnet": (
        q(edns=1232, options=wire.option(8, b"\0\1\x18\0\x7f\0\0")), SOA_OK),
    "an empty option": (q(edns=1232, options=wire.option(11)), SOA_OK),
    "payload 0": (q(edns=0), SOA_OK),
    "TC in a query": (q(flags=wire.TC), SOA_OK),
    "AA in a query": (q(flags=wire.AA), SOA_OK),
    "Z in a query": (q(flags=0x40), SOA_OK),
    "AXFR over UDP": (q(type=252), ("NOTIMP", "REFUSED", "FORMERR",
                                    "NOTAUTH")),
    "UPDATE": (q(opcode=5), ("NOTIMP", "REFUSED", "NOTAUTH")),
    "version.bind CH": (
        wire.query(wire.name("version.bind."), 16, msgid=77, qclass=3),
        ("NOERROR", "REFUSED")),
    "another CH name": (
        wire.query(wire.name("foo.bind."), 16, msgid=77, qclass=3),
        "REFUSED"),
    "a CH name of ours": (q(qclass=3), "REFUSED"),
}


def outcome(octets):
    """What came back, in the words of VECTORS."""
    if octets is None:
        return NONE
    m = wire.parse(octets)
    assert m.id == 77 and m.flags & wire.QR, m.text()
    if m.rcode == 0 and [rr for rr in m.answer if rr.type == 6]:
        assert m.flags & wire.AA, m.text()
        return SOA_OK
    assert not m.flags & wire.AA or m.rcode == 0, m.text()
    return wire.RCODE_NAME[m.rcode]


@test(needs=NEEDS)
def each_odd_message_gets_the_answer_of_the_rfcs(case):
    sut, _ = serving(case)
    bad = []
    for name, (octets, want) in VECTORS.items():
        for how, send in (("UDP", dnsq.raw_udp), ("TCP", dnsq.raw_tcp)):
            if how == "TCP" and ("UDP" in name or len(octets) < 12):
                continue
            wants = want if isinstance(want, tuple) else (want,)
            limit = 0.3 if want == NONE else 3
            got = outcome(send(sut.at(), octets, timeout=limit))
            if got not in wants:
                bad.append("%s over %s: %s, not %s" % (name, how, got, want))
            if dnsq.serial(sut.at(), APEX) is None:
                raise AssertionError("gone after " + name)
    assert not bad, "\n".join(bad)


@test(needs=NEEDS)
def opt_is_in_the_answer_when_it_was_in_the_query(case):
    sut, _ = serving(case)
    for octets in (q(edns=1232), q(edns=1232, name=wire.name("example.")),
                   q(edns=1232, name=wire.name("no." + APEX)),
                   q(edns=1232, version=3), q(edns=1232, do=True)):
        m = wire.parse(dnsq.raw_udp(sut.at(), octets))
        assert m.edns and m.edns.version == 0, m.text()
        assert m.edns.size == 1232, m.edns
    assert wire.parse(dnsq.raw_udp(sut.at(), q())).edns is None


@test(needs=NEEDS)
def nsid_is_told_when_configured_and_asked(case):
    sut, _ = serving(case, server={"nsid": "node-7"})
    ask = q(edns=1232, options=wire.option(3))
    m = wire.parse(dnsq.raw_udp(sut.at(), ask))
    assert (3, b"node-7") in m.edns.options, m.edns
    m = wire.parse(dnsq.raw_udp(sut.at(), q(edns=1232)))
    assert not m.edns.options, m.edns


def chaos(sut, name):
    m = wire.parse(dnsq.raw_udp(sut.at(), wire.query(
        wire.name(name), 16, msgid=1, qclass=3)))
    if m.rcode:
        return wire.RCODE_NAME[m.rcode]
    assert all(rr.cls == 3 for rr in m.answer)
    return [rr.rdata[1:].decode() for rr in m.answer]


@test(needs=NEEDS)
def chaos_names_tell_what_is_configured(case):
    sut, _ = serving(case, server={"version": '"one"', "identity": '"two"'})
    for name, want in (("version.bind.", "one"), ("version.server.", "one"),
                       ("VERSION.BIND.", "one"), ("id.server.", "two"),
                       ("hostname.bind.", "two")):
        assert chaos(sut, name) == [want], (name, chaos(sut, name))


@test(needs=NEEDS)
def chaos_names_tell_nothing_when_set_empty(case):
    sut, _ = serving(case, server={"version": '""', "identity": '""',
                                   "nsid": '""'})
    for name in ("version.bind.", "id.server.", "hostname.bind.",
                 "version.server."):
        assert chaos(sut, name) == "REFUSED", (name, chaos(sut, name))


@test(needs=NEEDS)
def refused_says_why_with_ede(case):
    sut, _ = serving(case)
    m = wire.parse(dnsq.raw_udp(sut.at(), q(
        name=wire.name("example."), edns=1232)))
    assert (15, struct.pack("!H", 20)) in [
        (c, d[:2]) for c, d in m.edns.options], m.edns


# TCP

def frames(*messages):
    return b"".join(struct.pack("!H", len(m)) + m for m in messages)


def many_queries(zone, count):
    owners = [r.owner for r in zone.records if r.type == "A"]
    return [wire.query(wire.name(owners[i % len(owners)]), 1, msgid=i)
            for i in range(count)]


def read_ids(sock, count):
    out = set()
    for _ in range(count):
        msg = dnsq.read_message(sock)
        assert msg, "closed after %d of %d" % (len(out), count)
        m = wire.parse(msg)
        assert m.answer, m.text()
        out.add(m.id)
    return out


@test(needs=NEEDS)
def many_queries_in_one_segment_are_all_answered(case):
    sut, zone = serving(case)
    with socket.create_connection(sut.at(), 10) as s:
        for _ in range(5):
            s.sendall(frames(*many_queries(zone, 500)))
            assert read_ids(s, 500) == set(range(500))


@test(needs=NEEDS)
def a_client_that_writes_without_reading_is_answered_later(case):
    sut, zone = serving(case)
    queries = many_queries(zone, 20000)
    with socket.create_connection(sut.at(), 10) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        s.setblocking(False)
        data, sent = frames(*queries), 0
        stalled = time.monotonic()
        while sent < len(data) and time.monotonic() < stalled + 0.5:
            try:
                sent += s.send(data[sent:sent + 65536])
                stalled = time.monotonic()
            except BlockingIOError:
                pass
        # Backpressure or not, others are served meanwhile.
        assert dnsq.serial(sut.at(), APEX) == zone.serial
        assert dnsq.serial(sut.at(), APEX, tcp=True) == zone.serial
        s.settimeout(10)
        import threading
        rest = threading.Thread(target=lambda: s.sendall(data[sent:]))
        rest.start()
        assert len(read_ids(s, len(queries))) == len(queries)
        rest.join()


@test(needs=NEEDS)
def one_octet_a_segment_is_answered(case):
    sut, zone = serving(case)
    with socket.create_connection(sut.at(), 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i, octet in enumerate(frames(*many_queries(zone, 5))):
            s.sendall(bytes((octet,)))
        assert read_ids(s, 5) == set(range(5))


@test(needs=NEEDS)
def a_half_closed_connection_gets_its_answers(case):
    sut, zone = serving(case)
    with socket.create_connection(sut.at(), 10) as s:
        s.sendall(frames(*many_queries(zone, 50)))
        s.shutdown(socket.SHUT_WR)
        assert read_ids(s, 50) == set(range(50))
        assert dnsq.read_message(s) == b""


def closed_after(sock, limit):
    """Seconds until the peer closes, or None."""
    sock.settimeout(limit)
    began = time.monotonic()
    try:
        while sock.recv(4096):
            pass
    except socket.timeout:
        return None
    except OSError:
        pass
    return time.monotonic() - began


@test(needs=NEEDS)
def an_idle_connection_is_closed(case):
    sut, zone = serving(case, server={"tcp-idle-timeout": "1s"})
    with socket.create_connection(sut.at(), 10) as s:
        s.sendall(frames(*many_queries(zone, 1)))
        read_ids(s, 1)
        waited = closed_after(s, 10)
        assert waited is not None and waited > 0.5, waited


@test(needs=NEEDS)
def a_message_that_never_ends_is_not_waited_for(case):
    sut, _ = serving(case, server={"tcp-io-timeout": "500",
                                   "tcp-idle-timeout": "2s"})
    with socket.create_connection(sut.at(), 10) as s:
        s.sendall(b"\x10")
        assert closed_after(s, 10) is not None
    with socket.create_connection(sut.at(), 10) as s:
        s.sendall(b"\x00\x40half of a message")
        assert closed_after(s, 10) is not None


@test(needs=NEEDS)
def the_connection_cap_leaves_room_for_new_clients(case):
    """More connections than allowed: new ones are still answered, because
    idle ones make room, or at the latest when others end; UDP never
    notices."""
    sut, zone = serving(case, server={"tcp-max-clients": 20,
                                      "tcp-idle-timeout": "1s"})
    crowd = []
    for _ in range(60):
        try:
            crowd.append(socket.create_connection(sut.at(), 2))
        except OSError:
            break
    for _ in range(20):
        assert dnsq.serial(sut.at(), APEX) == zone.serial
    case.wait_until(
        lambda: dnsq.serial(sut.at(), APEX, tcp=True) == zone.serial, 10,
        "TCP to be answered again")
    for s in crowd:
        s.close()


@test(needs=NEEDS)
def answers_come_from_the_address_that_was_asked(case):
    sut, zone = serving(case, addresses=("0.0.0.0", "::"))
    for address in ("127.0.0.1", "127.0.0.53", "::1"):
        # raw_udp connects its socket: another source would not be heard.
        got = dnsq.raw_udp((address, sut.port), q())
        assert got and wire.parse(got).answer, address
        assert dnsq.serial((address, sut.port), APEX,
                           tcp=True) == zone.serial
