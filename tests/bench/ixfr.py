# SPDX-License-Identifier: BSD-2-Clause
"""An answer to IXFR, record by record: each message's signature is verified,
and what it says must turn the zone that was into the zone that is."""
import socket
import struct

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import dns.tsig

from ask import HOST
from zones import FLAT, flat_address, flat_name

TIMEOUT_S = 30


class Wrong(Exception):
    """An answer that is not right; the text says how."""


def _query(zone, since, key):
    q = dns.message.make_query(zone, "IXFR")
    q.authority.append(dns.rrset.from_text(
        zone, 0, "IN", "SOA", ". . %d 0 0 0 0" % since))
    if key:
        q.use_tsig({dns.name.from_text(key.name): dns.tsig.Key(
            key.name, key.secret, key.algorithm)})
    return q


def _receive(s, length):
    out = b""
    while len(out) < length:
        more = s.recv(length - len(out))
        if not more:
            raise Wrong("the connection ended before the answer did")
        out += more
    return out


def _messages(s, q):
    """The messages of the answer; signatures are verified."""
    wire = q.to_wire()
    s.sendall(struct.pack("!H", len(wire)) + wire)
    context = None
    while True:
        length, = struct.unpack("!H", _receive(s, 2))
        try:
            m = dns.message.from_wire(
                _receive(s, length), keyring=q.keyring, request_mac=q.mac,
                xfr=True, tsig_ctx=context, multi=True, one_rr_per_rrset=True)
        except dns.exception.DNSException as e:
            raise Wrong("a message is not what it should be: %s" % e) from e
        context = m.tsig_ctx
        yield m


def parts(records):
    """[(serial before, deleted, serial after, added)] of the steps.

    records ends where the answer does.
    """
    new = next(records)[1].serial
    _, before = next(records)
    if before.rdtype != dns.rdatatype.SOA:
        raise Wrong("the answer is the whole zone")
    steps = []
    while before.serial != new:
        deleted, added = [], []
        for name, rdata in records:
            if rdata.rdtype == dns.rdatatype.SOA:
                break
            deleted.append((name, rdata))
        after = rdata.serial
        for name, rdata in records:
            if rdata.rdtype == dns.rdatatype.SOA:
                break
            added.append((name, rdata))
        steps.append((before.serial, deleted, after, added))
        before = rdata
    return steps


def steps(port, zone, since, key):
    """What a server answers: as `parts` has it.

    key     None: not signed, which is wrong
    """
    def records():
        nonlocal is_signed
        with socket.create_connection((HOST, port), TIMEOUT_S) as s:
            for m in _messages(s, _query(zone, since, key)):
                is_signed = m.had_tsig
                for rrset in m.answer:
                    yield str(rrset.name), rrset[0]

    is_signed = False
    try:
        answer = parts(records())
    except OSError as e:
        raise Wrong("no answer: %s" % e) from e
    if not is_signed:               # then nothing before is, either
        raise Wrong("the last message is not signed")
    return answer


def check(answer, since, flat, had):
    """Do the steps of an answer lead from one version of flat.test. to what
    it is now?

    had     the addresses of FlatZone when its serial was `since`
    """
    # What never changed is in neither.
    now = {flat_name(i): a for i, a in flat.addresses.items()}
    zone = {flat_name(i): had.get(i, flat_address(i)) for i in flat.addresses}
    serial = since
    for before, deleted, after, added in answer:
        if before != serial:
            raise Wrong("a step begins at serial %d, not %d" % (
                before, serial))
        for name, rdata in deleted:
            if zone.pop(name, None) != rdata.to_text():
                raise Wrong("%s %s is deleted and was not there" % (
                    name, rdata))
        for name, rdata in added:
            if name in zone or name not in now:
                raise Wrong("%s is added where it should not be" % name)
            zone[name] = rdata.to_text()
        serial = after
    if serial != flat.serial:
        raise Wrong("it leads to serial %d, not %d" % (serial, flat.serial))
    if zone != now:
        raise Wrong("it leads to another zone")
