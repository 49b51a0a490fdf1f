# SPDX-License-Identifier: BSD-2-Clause
"""What an IXFR says, taken strictly: RFC 1995 section 4."""
import struct

from . import dnsq, tsig, wire

SOA = wire.TYPE["SOA"]


def serial(rr):
    return struct.unpack("!I", rr.rdata[-20:-16])[0]


def steps(rrs):
    """[(SOA before, deleted, SOA after, added)] of the records of an IXFR."""
    assert rrs[0] == rrs[-1] and rrs[0].type == SOA, "opening and closing"
    out, at = [], 1
    while at < len(rrs) - 1:
        parts = []
        for _ in range(2):
            assert rrs[at].type == SOA, wire.rr_text(rrs[at])
            begin = at + 1
            at = begin
            while at < len(rrs) - 1 and rrs[at].type != SOA:
                at += 1
            parts += [rrs[begin - 1], rrs[begin:at]]
        out.append(tuple(parts))
    assert out and out[-1][2] == rrs[0], "it leads elsewhere"
    for one, two in zip(out, out[1:]):
        assert one[2] == two[0], "the steps do not follow each other"
    return out


def apply(zone, rrs):
    """The set of records that an IXFR makes of another; every change must be
    one."""
    zone = set(zone)
    for before, deleted, after, added in steps(rrs):
        for rr in [before] + deleted:
            assert rr in zone, "deleted, but not there: " + wire.rr_text(rr)
            zone.remove(rr)
        for rr in [after] + added:
            assert rr not in zone, "added, but there: " + wire.rr_text(rr)
            zone.add(rr)
    return zone


def query(apex, serial_held, key=None, edns=None, msgid=4711):
    """A request as octets, and what checks the answer (None without a
    key)."""
    request = wire.query(wire.name(apex), wire.TYPE["IXFR"], msgid=msgid,
                         edns=edns)
    opt = b"" if edns is None else request[-11:]
    request = request[:len(request) - len(opt)]
    request = (request[:8] + b"\0\1" + request[10:] + b"\xc0\x0c"
               + struct.pack("!HHIH", SOA, 1, 0, 22) + b"\0\0"
               + struct.pack("!5I", serial_held, 0, 0, 0, 0) + opt)
    if not key:
        return request, None
    request, mac = tsig.sign_query(request, key)
    return request, tsig.Checker(key, mac)


def over_udp(endpoint, apex, serial_held, key=None, edns=None):
    """The answer to a datagram: (its octets, the message)."""
    request, checker = query(apex, serial_held, key, edns)
    octets = dnsq.raw_udp(endpoint, request)
    assert octets is not None, "no answer"
    plain = octets
    if checker:
        plain = checker.take(octets)
        checker.end()
    return octets, wire.parse(plain)
