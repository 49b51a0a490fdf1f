# SPDX-License-Identifier: BSD-2-Clause
"""The names and addresses of the zones that the primary makes by formula.

primary/*.h say the same in C.  That the two agree is what check_names finds
out, of every server that is measured.
"""
import ipaddress
import os
import random

FLAT, NSEC, NSEC3 = "flat.test.", "nsec.test.", "nsec3.test."
LABEL_FACTOR = 0x9e3779b1
SEED = 7


class Scale:
    """How much of everything."""

    def __init__(self, name, flat, delegations, small, queries, **counts):
        self.name = name
        self.flat, self.delegations, self.small = flat, delegations, small
        self.queries = queries      # lines of a query file
        self.counts = counts        # of rounds, repetitions, changes

    def __getattr__(self, name):
        try:
            return self.counts[name]
        except KeyError:
            raise AttributeError(name) from None


SCALES = {s.name: s for s in (
    Scale("small", 20000, 4000, 200, 20000,
          query_rounds=1, query_seconds=1, warm_up_seconds=0,
          repetitions=1, single_changes=3, burst=100, wide_change=2000,
          calm=2, patience=5, afterwards=0.3, change_to_kill=0.5,
          history_names=20000, versions=100, answers=10,
          journal_versions=500, alone=5, distributed=3),
    Scale("full", 1000000, 200000, 10000, 500000,
          query_rounds=5, query_seconds=1, warm_up_seconds=1,
          repetitions=3, single_changes=10, burst=1000, wide_change=20000,
          calm=4, patience=30, afterwards=5, change_to_kill=2,
          history_names=200000, versions=1000, answers=50,
          journal_versions=10000, alone=50, distributed=10),
)}


def _label(letter, i):
    return "%s%08x" % (letter, i * LABEL_FACTOR & 0xffffffff)


def flat_name(i):
    return "%s.%s" % (_label("n", i), FLAT)


def delegation(i, zone):
    return "%s.%s" % (_label("d", i), zone)


def small_zone(i):
    return "z%05d.test." % i


def flat_address(i):
    return str(ipaddress.IPv4Address(0x0a000000 + i))


def address_after(serial):
    """The address of the names that changed as the zone got this serial."""
    return str(ipaddress.IPv4Address(0xac100000 + serial))


def changed(serial, width, count):
    """Numbers of the names that changed as the zone got this serial."""
    first = serial * 618970019 % count
    return [(first + j * (count // width)) % count for j in range(width)]


class FlatZone:
    """What flat.test. holds at the primary."""

    def __init__(self, count):
        self.count, self.serial = count, 1
        self.addresses = {}         # of the names that are not as at first

    def change(self, width):
        self.serial += 1
        for i in changed(self.serial, width, self.count):
            # The latest change is last.
            self.addresses.pop(i, None)
            self.addresses[i] = address_after(self.serial)

    def sample(self, count):
        """(name, address) of some names, the last changed among them."""
        rnd = random.Random(SEED)
        numbers = list(self.addresses)[-count // 2:]
        while len(numbers) < count:
            numbers.append(rnd.randrange(self.count))
        return [(flat_name(i), self.addresses.get(i, flat_address(i)))
                for i in numbers]


def flat_query(rnd, scale):
    i = rnd.randrange(scale.flat)
    both = i % 2 == 0 and rnd.random() < 2 / 3
    return "%s %s" % (flat_name(i), "AAAA" if both else "A")


def no_name(rnd, zone):
    """A name that is not there, but for one in thousands, and lies anywhere
    between those that are."""
    letter = "n" if zone == FLAT else "d"
    return "%s%08x.%s" % (letter, rnd.getrandbits(32), zone)


def referral_query(rnd, scale, zone):
    name = delegation(rnd.randrange(scale.delegations), zone)
    t = rnd.random()
    if t < 0.6:
        return "www.%s A" % name
    return "%s %s" % (name, "AAAA" if t < 0.8 else "NS" if t < 0.95 else "DS")


# file: a function of a random generator and the scale that gives one query
QUERY_FILES = {
    "flat": flat_query,
    "flat-nxdomain": lambda rnd, scale: no_name(rnd, FLAT) + " A",
    "referral": lambda rnd, scale: referral_query(rnd, scale, NSEC3),
    "nxdomain-nsec": lambda rnd, scale: no_name(rnd, NSEC) + " A",
    "nxdomain-nsec3": lambda rnd, scale: no_name(rnd, NSEC3) + " A",
}


def write_queries(directory, file, scale):
    """Make a file for dnsperf, once; its path."""
    path = os.path.join(directory, "queries-" + file)
    if not os.path.exists(path):
        rnd = random.Random(SEED)
        with open(path, "w") as f:
            for _ in range(scale.queries):
                f.write(QUERY_FILES[file](rnd, scale) + "\n")
    return path
