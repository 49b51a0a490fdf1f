# SPDX-License-Identifier: BSD-2-Clause
"""Where IXFR out of history ends: at what a datagram takes, at a client that
does not read, and where there is no history."""
import socket
import struct
import time

from lib import dnsq, ixfr, servers, wire
from lib.case import test
from lib.fakeprimary import record, rr
from lib.history import APEX, NEEDS, Followed, records

# The changes are to be smaller than the zone.
FILLER = [rr('filler%d.fake.test. TXT "%s"' % (i, "x" * 250))
          for i in range(400)]


def with_text(n, size):
    strings = " ".join('"%s"' % ("x" * min(100, size - at))
                       for at in range(0, size, 100)) or '""'
    return ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
            "s.fake.test. TXT " + strings,
            "n%d.fake.test. A 192.0.2.%d" % (n, n)] + FILLER


# What a version is left by: larger than for the one before, and the last one,
# to which all lead, is small; or step by step, and the steps are many.
CONTENT = {"auto": (39, lambda n: with_text(n, n * 35 % 1400)),
           "off": (15, lambda n: with_text(n, n * 3))}


def over_udp(f, serial, size, whole):
    """Ask with a payload size (None: no EDNS): is it an IXFR? whole: what it
    has to be then."""
    octets, m = ixfr.over_udp(f.sut.at(), APEX, serial, f.key, size)
    limit = min(1232, max(512, size or 0))
    assert len(octets) <= limit, (len(octets), limit, serial)
    assert m.rcode == 0 and not m.flags & wire.TC, m.text()
    if len(m.answer) == 1:
        assert m.answer == whole[:1], "another SOA"
        return False
    assert m.answer == whole, (serial, size)
    return True


@test(needs=NEEDS, condense=("auto", "off"), key=("unsigned", "signed"))
def a_datagram_has_all_of_it_or_a_single_soa(case, condense, key):
    key = servers.new_key() if key == "signed" else None
    f = Followed(case, key, options={"ixfr-condense": condense},
                 content=CONTENT[condense][1])
    f.publish(CONTENT[condense][0])
    found = set()
    for serial in range(1, f.newest):
        whole = dnsq.transfer(f.sut.at(), APEX, "IXFR", serial, key=key)
        took = len(ixfr.over_udp(f.sut.at(), APEX, serial, key, 1232)[0])
        fits = over_udp(f, serial, 1232, whole)
        f.check(serial, whole, condense != "off")
        for size in [None, 0, 511] + list(range(512, 1233, 72)) + [65535]:
            limit = min(1232, max(512, size or 0))
            # Without EDNS there is no OPT.
            need = took - (0 if size is not None else 11)
            assert over_udp(f, serial, size, whole) == (
                fits and need <= limit), (serial, size, took)
        if fits and took > 512:
            assert over_udp(f, serial, took, whole)
            assert not over_udp(f, serial, took - 1, whole)
            found.add(took)
    assert len(found) > (15 if condense == "auto" else 1), found
