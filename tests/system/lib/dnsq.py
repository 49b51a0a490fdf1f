# SPDX-License-Identifier: BSD-2-Clause
"""Single questions and whole transfers, with dnspython.

Records are compared in canonical form: names in lower case, type, class, TTL
and uncompressed RDATA, so that two transfers are equal exactly when their
zones are, record for record.
"""
import secrets
import socket
import struct

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.tsig

from . import tsig, wire

ALGORITHMS = {
    "hmac-md5": dns.tsig.HMAC_MD5, "hmac-sha1": dns.tsig.HMAC_SHA1,
    "hmac-sha224": dns.tsig.HMAC_SHA224, "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha384": dns.tsig.HMAC_SHA384, "hmac-sha512": dns.tsig.HMAC_SHA512,
}


def tsig_key(key):
    """dnspython's key for one of ours."""
    return dns.tsig.Key(key.name, key.secret, ALGORITHMS[key.algorithm])


def make(qname, qtype, key=None, qclass="IN", **kw):
    q = dns.message.make_query(qname, qtype, qclass, **kw)
    q.flags &= ~dns.flags.RD
    if key:
        q.use_tsig(tsig_key(key), fudge=300)
    return q


def ask(endpoint, qname, qtype, tcp=False, timeout=5, key=None,
        source=None, **kw):
    """Ask one question; returns dnspython's message."""
    q = make(qname, qtype, key, **kw)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(q, endpoint[0], port=endpoint[1], timeout=timeout,
                source=source)


def try_ask(endpoint, qname, qtype, **kw):
    """As ask, but None when there is no answer."""
    try:
        return ask(endpoint, qname, qtype, **kw)
    except (OSError, dns.exception.DNSException, EOFError):
        return None


def serial(endpoint, apex, timeout=1, **kw):
    """The SOA serial in an authoritative answer, or None."""
    r = try_ask(endpoint, apex, "SOA", timeout=timeout, **kw)
    if r is None or r.rcode() != 0 or not r.flags & dns.flags.AA:
        return None
    for rrset in r.answer:
        if rrset.rdtype == dns.rdatatype.SOA:
            return rrset[0].serial
    return None


def addresses(endpoint, qname, qtype="A", **kw):
    """The RDATA texts in an answer, sorted; None without NOERROR."""
    r = try_ask(endpoint, qname, qtype, **kw)
    if r is None or r.rcode() != 0:
        return None
    want = dns.rdatatype.from_text(qtype)
    return sorted(rd.to_text() for rrset in r.answer
                  if rrset.rdtype == want for rd in rrset)


class TransferFailed(Exception):
    """A transfer was refused or broke; rcode is set if there was one."""

    def __init__(self, text, rcode=None):
        super().__init__(text)
        self.rcode = rcode


def _tcp(endpoint, timeout, source=None):
    s = socket.create_connection(endpoint, timeout,
                                 (source, 0) if source else None)
    s.settimeout(timeout)
    return s


def read_message(sock):
    """One length-prefixed message; b"" when the stream ends before."""
    head = read_exactly(sock, 2)
    if len(head) < 2:
        return b""
    size = struct.unpack("!H", head)[0]
    msg = read_exactly(sock, size)
    return msg if len(msg) == size else b""


def read_exactly(sock, count):
    out = b""
    while len(out) < count:
        piece = sock.recv(count - len(out))
        if not piece:
            return out
        out += piece
    return out


def transfer(endpoint, apex, qtype="AXFR", serial=None, key=None, timeout=20,
             source=None):
    """The records of an AXFR or IXFR in the order of the stream.

    TSIG is verified over the whole stream.  Raises TransferFailed.
    """
    request = wire.query(wire.name(apex), wire.TYPE[qtype],
                         msgid=secrets.randbelow(65536))
    if qtype == "IXFR":
        request = (request[:8] + b"\0\1" + request[10:] + wire.name(apex)
                   + struct.pack("!HHIH", 6, 1, 0, 22) + b"\0\0"
                   + struct.pack("!5I", serial, 0, 0, 0, 0))
    msgid, checker = request[:2], None
    if key:
        request, mac = tsig.sign_query(request, key)
        checker = tsig.Checker(key, mac)
    out, end = [], False
    try:
        with _tcp(endpoint, timeout, source) as s:
            s.sendall(struct.pack("!H", len(request)) + request)
            while not end:
                octets = read_message(s)
                if not octets:
                    raise TransferFailed("the stream ended early, after %d "
                                         "records" % len(out))
                if checker:
                    octets = checker.take(octets)
                p = wire.parse(octets)
                if octets[:2] != msgid:
                    raise TransferFailed("wrong message id")
                if p.rcode:
                    raise TransferFailed(
                        "rcode " + wire.RCODE_NAME.get(p.rcode, "?"), p.rcode)
                out += p.answer
                end = _complete(out, serial)
            if checker:
                checker.end()
    except (OSError, wire.Malformed, tsig.Bad) as e:
        raise TransferFailed("%s: %s" % (type(e).__name__, e)) from e
    return out


def _soa_serial(rr):
    return struct.unpack("!I", rr.rdata[-20:-16])[0]


def _complete(rrs, from_serial):
    """Whether the records so far are a whole stream."""
    if not rrs or rrs[0].type != 6:
        raise TransferFailed("the stream does not begin with a SOA")
    if rrs[-1].type != 6:
        return False
    soas = [i for i, rr in enumerate(rrs) if rr.type == 6]
    new = _soa_serial(rrs[0])
    if len(rrs) == 1:
        # a single SOA: up to date, if IXFR was asked
        return from_serial is not None and (
            new == from_serial or (from_serial - new) % 2**32 < 2**31)
    if from_serial is not None and len(soas) > 1 and soas[1] == 1 \
            and not _same_soa(rrs):
        # differences: the new SOA stands first, before the last additions
        # and at the end
        return rrs[-1].type == 6 and _soa_serial(rrs[-1]) == new \
            and sum(_soa_serial(rrs[i]) == new for i in soas) >= 3
    return len(soas) >= 2 and soas[-1] == len(rrs) - 1


def _same_soa(rrs):
    return _soa_serial(rrs[0]) == _soa_serial(rrs[1])


def axfr(endpoint, apex, **kw):
    """The zone by AXFR: its records in canonical form, sorted."""
    return sorted(transfer(endpoint, apex, **kw)[:-1])


def peer_axfr(endpoint, apex, **kw):
    """As axfr, from a peer: NSD ends the process that has the connection at
    each reload, so a reset says nothing about the zone."""
    for _ in range(4):
        try:
            return axfr(endpoint, apex, **kw)
        except TransferFailed as e:
            if not isinstance(e.__cause__, ConnectionResetError):
                raise
    return axfr(endpoint, apex, **kw)


def ixfr(endpoint, apex, serial, **kw):
    """("none" | "axfr" | "ixfr", records in stream order)."""
    rrs = transfer(endpoint, apex, "IXFR", serial, **kw)
    if len(rrs) == 1:
        return "none", rrs
    if rrs[1].type == 6 and not _same_soa(rrs):
        return "ixfr", rrs
    return "axfr", rrs


def _texts(rrs):
    return [wire.rr_text(rr) for rr in sorted(rrs)[:5]]


def assert_same_zone(a, b, apex, key=None, key_b=None):
    """AXFR of the primary `a` and of `b` gives the same records."""
    one = peer_axfr(a, apex, key=key)
    two = axfr(b, apex, key=key_b or key)
    if one != two:
        left, right = set(one), set(two)
        raise AssertionError(
            "%s differs: %d records at %s, %d at %s\nonly first: %s\n"
            "only second: %s" % (apex, len(one), a, len(two), b,
                                 _texts(left - right),
                                 _texts(right - left)))


def raw_udp(endpoint, octets, timeout=1, source=None):
    """Send octets, return the response octets or None."""
    family = socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        if source:
            s.bind((source, 0))
        s.settimeout(timeout)
        s.connect(endpoint)
        try:
            s.send(octets)
            return s.recv(65535)
        except OSError:
            return None


def raw_tcp(endpoint, octets, timeout=3):
    """Send one message over TCP, return the response octets or None."""
    try:
        with _tcp(endpoint, timeout) as s:
            s.sendall(struct.pack("!H", len(octets)) + octets)
            return read_message(s) or None
    except OSError:
        return None
