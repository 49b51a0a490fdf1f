# SPDX-License-Identifier: BSD-2-Clause
"""Zones made for the tests: seeded, so that each run serves the same data.

A Zone is an apex and a list of records in presentation format with absolute
owners.  Each generator below brings one group of features; signed() turns
any of them into an NSEC or NSEC3 zone with dnssec-signzone.
"""
import os
import random
import shutil
import subprocess
from collections import namedtuple

Record = namedtuple("Record", "owner ttl type rdata")


class Zone:
    """An apex and its records; the SOA is made from the serial."""

    def __init__(self, apex, serial=1, ttl=3600, ns=True, timers=None):
        self.apex = apex
        self.serial = serial
        self.ttl = ttl
        self.timers = timers or (3600, 600, 604800, 300)
        self.records = []
        self.signed_text = None
        self.signing = None
        if ns:
            self.add("@", "NS", "ns1")
            self.add("@", "NS", "ns2")
            self.add("ns1", "A", "192.0.2.1")
            self.add("ns1", "AAAA", "2001:db8::1")
            self.add("ns2", "A", "192.0.2.2")

    def absolute(self, owner):
        """The owner relative to the apex, or as it is if absolute."""
        if owner == "@":
            return self.apex
        if owner.endswith(".") and not owner.endswith("\\."):
            return owner
        return owner + ("." if self.apex == "." else "." + self.apex)

    # Types whose last field is a name, which may be given relative.
    NAME_LAST = frozenset(("NS", "CNAME", "DNAME", "PTR", "MX", "SRV"))

    def add(self, owner, rtype, rdata, ttl=None):
        if rtype in self.NAME_LAST:
            head, _, target = rdata.rpartition(" ")
            rdata = (head + " " if head else "") + self.absolute(target)
        self.records.append(Record(self.absolute(owner), ttl or self.ttl,
                                   rtype, rdata))

    def soa(self):
        sub = "" if self.apex == "." else "." + self.apex
        apex = sub[1:] if sub else "."
        return Record(apex, self.ttl, "SOA",
                      "ns1%s hostmaster%s %d %d %d %d %d" % (
                          (sub or ".", sub or ".", self.serial)
                          + tuple(self.timers)))

    def copy(self, serial=None):
        """The same zone, to be edited apart; with another serial if given."""
        z = Zone(self.apex, self.serial if serial is None else serial,
                 self.ttl, ns=False, timers=self.timers)
        z.records = list(self.records)
        return z

    def text(self):
        """The zone file."""
        if self.signed_text is not None:
            return self.signed_text
        return "".join("%s %d IN %s %s\n" % r
                       for r in [self.soa()] + self.records)

    def all_records(self):
        """Records of the zone file that is served, signed or not."""
        if self.signed_text is None:
            return [self.soa()] + self.records
        out = []
        for line in self.signed_text.splitlines():
            field = line.split(None, 4)
            if len(field) == 5 and not line.startswith(";"):
                out.append(Record(field[0], int(field[1]), field[3],
                                  field[4]))
        return out


def signed(zone, workdir, nsec3=None, optout=False):
    """Sign a zone; nsec3 is (salt, iterations) or None for NSEC."""
    os.makedirs(workdir, exist_ok=True)
    apex_dir = os.path.join(workdir, "sign-" + zone.apex.replace(".", "_"))
    shutil.rmtree(apex_dir, ignore_errors=True)
    os.makedirs(apex_dir)
    for flags in ([], ["-f", "KSK"]):
        _run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-K", apex_dir]
             + flags + [zone.apex], apex_dir)
    plain = os.path.join(apex_dir, "plain")
    out = os.path.join(apex_dir, "signed")
    with open(plain, "w") as f:
        f.write(zone.text())
    args = ["dnssec-signzone", "-q", "-S", "-O", "full", "-K", apex_dir,
            "-P", "-n", "1", "-o", zone.apex, "-f", out, "-e", "+86400000"]
    if nsec3:
        args += ["-3", nsec3[0] or "-", "-H", str(nsec3[1])]
        if optout:
            args += ["-A"]
    _run(args + [plain], apex_dir)
    z = zone.copy()
    z.signed_text = open(out).read()
    z.signing = "optout" if optout else "nsec3" if nsec3 else "nsec"
    return z


def edited(zone, rnd, changes=5):
    """The next version of a zone: some records gone, some new, one changed
    TTL, one changed RDATA; owners h* only."""
    z = zone.copy((zone.serial + 1) % 2**32)
    mine = [r for r in z.records if r.type == "A" and r.owner[0] == "h"]
    for r in rnd.sample(mine, min(changes, len(mine) // 2)):
        z.records.remove(r)
    for _ in range(changes):
        z.add("hnew%06d" % rnd.randrange(10**6), "A",
              "203.0.113.%d" % rnd.randrange(256))
    i = next(i for i, r in enumerate(z.records) if r in mine)
    r = z.records[i]
    z.records[i] = r._replace(rdata="203.0.113.%d" % rnd.randrange(256),
                              ttl=r.ttl + 1)
    return z


def _run(argv, cwd):
    p = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if p.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(argv[:3]), p.stdout))


def can_sign():
    return bool(shutil.which("dnssec-signzone")
                and shutil.which("dnssec-keygen"))


# ---------------------------------------------------------------------------
# Generators

def flat(apex="flat.test.", count=200, seed=1, single=False, **kw):
    """Many owners with a few plain types each; single: one RRset each.

    NSD 4.6.1 writes IXFRs that add what is there already where owners have
    several RRsets: a zone that it is to serve as IXFR has one each.
    """
    rnd = random.Random(seed)
    z = Zone(apex, **kw)
    if single:
        z.records = [r for r in z.records if r.type != "AAAA"]
    for i in range(count):
        owner = "h%05d" % i
        z.add(owner, "A", "198.51.100.%d" % rnd.randrange(256))
        if single:
            continue
        if rnd.random() < 0.5:
            z.add(owner, "AAAA", "2001:db8:%x::%x" % (
                rnd.randrange(65536), rnd.randrange(65536)))
        if rnd.random() < 0.2:
            z.add(owner, "TXT", '"text of %d"' % i)
        if rnd.random() < 0.1:
            z.add(owner, "MX", "10 h%05d" % rnd.randrange(count))
    return z


def types(apex="types.test."):
    """Each type that a zone may hold, with usual and unusual contents."""
    z = Zone(apex)
    for owner, rtype, rdata in (
        ("a", "A", "192.0.2.10"), ("a", "A", "192.0.2.11"),
        ("aaaa", "AAAA", "2001:db8::10"),
        ("mx", "MX", "10 a"), ("mx", "MX", "20 outside.example."),
        ("mx", "MX", "0 ."),
        ("txt", "TXT", '"one" "two three" ""'),
        ("txt", "TXT", '"\\000\\255\\"quoted\\""'),
        ("bigtxt", "TXT", " ".join('"%s"' % (c * 255) for c in "abcdefgh")),
        ("_sip._tcp", "SRV", "0 5 5060 a"),
        ("_sip._udp", "SRV", "0 5 5060 elsewhere.example."),
        ("naptr", "NAPTR",
         '100 10 "u" "sip+E2U" "!^.*$!sip:info@example.com!" .'),
        ("naptr", "NAPTR", '100 20 "s" "SIP+D2U" "" _sip._udp.' + apex),
        ("loc", "LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m "
                       "10m"),
        ("_443._tcp", "TLSA",
         "3 1 1 " + "0123456789abcdef" * 4),
        ("ssh", "SSHFP", "4 2 " + "fedcba9876543210" * 4),
        ("caa", "CAA", '0 issue "ca.example.net"'),
        ("caa", "CAA", '128 iodef "mailto:security@example.com"'),
        ("hinfo", "HINFO", '"PC-Intel-700mhz" "Redhat Linux 7.1"'),
        ("rp", "RP", "mbox.example. txt." + apex),
        ("ptr", "PTR", "a"),
        ("afsdb", "AFSDB", "1 a." + apex),
        ("kx", "KX", "10 a." + apex),
        ("cert", "CERT", "1 0 0 MxFcby9k/yvedMfQgKzhH5er0Mu/vILz45I="),
        ("dhcid", "DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2k"),
        ("apl", "APL", "1:192.0.2.0/24 !1:192.0.2.64/28 2:2001:db8::/32"),
        ("uri", "URI", '10 1 "https://www.example.com/path"'),
        ("eui48", "EUI48", "00-00-5e-00-53-2a"),
        ("eui64", "EUI64", "00-00-5e-ef-10-00-00-2a"),
        ("svcb", "SVCB", "1 a." + apex + " alpn=h2,h3 port=8443"),
        ("svcb", "SVCB", "2 . mandatory=ipv4hint ipv4hint=192.0.2.1"),
        ("https", "HTTPS", "0 svcb." + apex),
        ("https2", "HTTPS", "1 . alpn=h2 ipv6hint=2001:db8::1"),
        ("unknown", "TYPE65534", "\\# 4 c0000201"),
        ("unknown", "TYPE65534", "\\# 0"),
        ("unknown", "TYPE65280", "\\# 6 abcdef012345"),
        ("lownumber", "TYPE54321", "\\# 1 00"),
        ("openpgp", "OPENPGPKEY", "AQIDBAUGBwg="),
        ("cds", "CDS", "12345 13 2 " + "ab" * 32),
        ("csync", "CSYNC", "66 3 A NS AAAA"),
    ):
        z.add(owner, rtype, rdata)
    for i in range(12):
        z.add("many", ("A", "AAAA", "TXT", "MX", "HINFO", "LOC", "SRV",
                       "PTR", "CAA", "SSHFP", "TLSA", "URI")[i],
              ("192.0.2.99", "2001:db8::99", '"x"', "5 a", '"a" "b"',
               "1 0 0 N 2 0 0 E 0m", "1 1 1 a", "a", '0 issue ";"',
               "1 1 " + "00" * 20, "3 1 1 " + "11" * 32,
               '1 1 "a:"')[i])
    return z


def names(apex="names.test.", longest=255):
    """Mixed case, escapes, label and name length limits."""
    z = Zone(apex)
    z.add("MiXeD", "A", "192.0.2.20")
    z.add("MiXeD", "MX", "10 Mail.MiXeD")
    z.add("mail.mixed", "A", "192.0.2.21")
    z.add("UPPER.Case.Tree", "TXT", '"Case Kept"')
    z.add("cname-MiXeD", "CNAME", "miXED")
    z.add("with\\.dot", "A", "192.0.2.22")
    z.add("a\\000b", "A", "192.0.2.23")
    z.add("b.a", "A", "192.0.2.24")
    z.add("\\001\\002\\255", "A", "192.0.2.25")
    z.add("sp\\032ace", "TXT", '"space"')
    z.add("\\@at", "TXT", '"at"')
    z.add("semi\\;colon", "TXT", '"semicolon"')
    z.add("back\\\\slash", "TXT", '"backslash"')
    z.add("\\065bc", "A", "192.0.2.26")
    z.add("_under-score", "TXT", '"x"')
    z.add("x" * 63, "A", "192.0.2.27")
    long = ".".join(["y" * 49] * 4)
    z.add(long + "." + "z" * (longest - len(apex) - len(long) - 3), "TXT",
          '"longest name"')
    z.add(".".join("d%d" % i for i in range(40)), "A", "192.0.2.28")
    return z


def big(apex="big.test."):
    """RRsets near and above the usual payload sizes."""
    z = Zone(apex)
    for count in (10, 20, 28, 29, 30, 40, 60, 68, 69, 70, 71, 72, 73, 74,
                  75, 76, 77, 78, 90, 120, 200, 600):
        for i in range(count):
            z.add("a%d" % count, "A", "10.%d.%d.%d" % (
                count % 256, i // 256, i % 256))
    for count in (2, 4, 5, 9):
        for i in range(count):
            z.add("t%d" % count, "TXT", '"%s%d"' % ("t" * 240, i))
        z.add("c%d" % count, "CNAME", "t%d" % count)
    for i in range(40):
        z.add("mx", "MX", "%d a%d" % (i, (10, 20, 28)[i % 3]))
    for i in range(13):
        z.add("deleg", "NS", "ns%d.deleg" % i)
        z.add("ns%d.deleg" % i, "A", "192.0.2.%d" % (i + 100))
        z.add("ns%d.deleg" % i, "AAAA", "2001:db8::%x" % (i + 100))
    for i in range(40):
        z.add("deleg40", "NS", "name-server-%d.deleg40" % i)
        z.add("name-server-%d.deleg40" % i, "A", "192.0.2.%d" % (i + 100))
    return z


def delegations(apex="deleg.test."):
    """Zone cuts with each kind of glue, with and without DS."""
    z = Zone(apex)
    ds = "12345 13 2 " + "0123456789abcdef" * 4
    # in-domain glue
    z.add("in", "NS", "ns1.in")
    z.add("in", "NS", "ns2.in")
    z.add("ns1.in", "A", "192.0.2.31")
    z.add("ns1.in", "AAAA", "2001:db8::31")
    z.add("ns2.in", "A", "192.0.2.32")
    # sibling glue: below another cut, and in the zone itself
    z.add("sib", "NS", "ns1.in")
    z.add("sib", "NS", "ns.other")
    z.add("other", "NS", "ns.other")
    z.add("ns.other", "A", "192.0.2.33")
    z.add("auth", "NS", "ns1")
    z.add("auth", "NS", "www")
    z.add("www", "A", "192.0.2.34")
    # out of zone
    z.add("out", "NS", "ns1.example.")
    z.add("out", "NS", "ns2.example.")
    # a mixture
    z.add("mix", "NS", "ns.mix")
    z.add("mix", "NS", "ns1.in")
    z.add("mix", "NS", "ns.example.")
    z.add("mix", "NS", "ns2")
    z.add("ns.mix", "A", "192.0.2.35")
    # glue missing, NS at the cut itself, name deep below the cut
    z.add("noglue", "NS", "ns.noglue")
    z.add("self", "NS", "self")
    z.add("self", "A", "192.0.2.36")
    z.add("deep", "NS", "a.b.c.deep")
    z.add("a.b.c.deep", "A", "192.0.2.37")
    # secure ones
    for cut in ("sec", "sec2"):
        z.add(cut, "NS", "ns." + cut)
        z.add("ns." + cut, "A", "192.0.2.38")
        z.add(cut, "DS", ds)
    z.add("sec2", "DS", "12346 13 2 " + "fedcba9876543210" * 4)
    z.add("secout", "NS", "ns1.example.")
    z.add("secout", "DS", ds)
    # data occluded by a cut, and a cut below a cut
    z.add("occ", "NS", "ns.example.")
    z.add("www.occ", "A", "192.0.2.39")
    z.add("txt.occ", "TXT", '"occluded"')
    z.add("sub.occ", "NS", "ns.sub.occ")
    z.add("ns.sub.occ", "A", "192.0.2.40")
    # cuts under empty non-terminals
    z.add("cut.under.ent", "NS", "ns.cut.under.ent")
    z.add("ns.cut.under.ent", "A", "192.0.2.41")
    # names of servers that exist as CNAME or wildcard
    z.add("*.wild", "A", "192.0.2.42")
    z.add("viawild", "NS", "ns.wild")
    for i in range(40):
        z.add("d%02d" % i, "NS", "ns%d.d%02d" % (i % 3, i))
        z.add("ns%d.d%02d" % (i % 3, i), "A", "192.0.2.%d" % (50 + i))
        if i % 4 == 0:
            z.add("d%02d" % i, "DS", ds)
    return z


def wildcards(apex="wild.test."):
    """Wildcards: nested, with every odd content, and names beside them."""
    z = Zone(apex)
    z.add("*", "TXT", '"top"')
    z.add("*", "MX", "10 mail")
    z.add("mail", "A", "192.0.2.50")
    z.add("*.a", "A", "192.0.2.51")
    z.add("*.b.a", "A", "192.0.2.52")
    z.add("b.a", "TXT", '"blocks the wildcard of a"')
    z.add("x.*.star", "A", "192.0.2.53")
    z.add("*.star", "A", "192.0.2.54")
    z.add("y.*.middle", "A", "192.0.2.55")
    z.add("*.*.double", "A", "192.0.2.56")
    z.add("*.ent.under", "A", "192.0.2.57")
    z.add("*.c", "CNAME", "mail")
    z.add("*.cout", "CNAME", "www.example.")
    z.add("*.cself", "CNAME", "x.cself")
    z.add("*.cnx", "CNAME", "nothing.here.mail")
    z.add("*.cwild", "CNAME", "any.a")
    z.add("*.cdeep", "CNAME", "x.ent.under")
    z.add("host.a", "A", "192.0.2.58")
    z.add("deep.host.b.a", "A", "192.0.2.59")
    z.add("_ssh._tcp.host1", "SRV", "0 0 22 mail")
    z.add("sub.del", "NS", "ns.sub.del")
    z.add("ns.sub.del", "A", "192.0.2.60")
    z.add("*.del", "A", "192.0.2.61")
    z.add("mx*", "A", "192.0.2.62")
    z.add("**", "A", "192.0.2.63")
    z.add("\\*esc", "A", "192.0.2.64")
    return z


def wild_cuts(apex="wildcut.test."):
    """NS and DS at wildcards: RFC 4592 section 4.2 advises against the one,
    4.6 against the other.  BIND refuses to load such a zone."""
    z = Zone(apex)
    z.add("*.wns", "NS", "ns.example.")
    z.add("*.wns2", "NS", "ns1")
    z.add("*.wns2", "A", "192.0.2.65")
    z.add("*.w", "NS", "ns.example.")
    z.add("*.w", "DS", "12345 13 2 " + "0123456789abcdef" * 4)
    z.add("*.only", "DS", "12345 13 2 " + "0123456789abcdef" * 4)
    z.add("host.w", "A", "192.0.2.66")
    return z


def ents(apex="ents.test."):
    """Empty non-terminals, single and in chains, with a wildcard beside."""
    z = Zone(apex)
    z.add("a.b.c.d.e", "A", "192.0.2.70")
    z.add("x.b.c.d.e", "A", "192.0.2.71")
    z.add("leaf.only", "TXT", '"leaf"')
    z.add("*.w.ent", "A", "192.0.2.72")
    z.add("n.s.cut", "NS", "ns.example.")
    z.add("n.t.cut", "NS", "ns.n.t.cut")
    z.add("ns.n.t.cut", "A", "192.0.2.73")
    z.add("z.z.z", "CNAME", "leaf.only")
    z.add("q.z.z", "CNAME", "only")
    return z


def dname(apex="dname.test.", other="dname2.test."):
    """DNAME: below the apex, in chains, into another zone, in a loop."""
    z = Zone(apex)
    z.add("target", "A", "192.0.2.80")
    z.add("www.target", "A", "192.0.2.81")
    z.add("*.wtarget", "A", "192.0.2.82")
    z.add("c.target", "CNAME", "www.target")
    z.add("d", "DNAME", "target")
    z.add("d", "TXT", '"beside the DNAME"')
    z.add("w", "DNAME", "wtarget")
    z.add("out", "DNAME", "example.")
    z.add("nx", "DNAME", "nothing.target")
    z.add("chain1", "DNAME", "chain2")
    z.add("chain2", "DNAME", "chain3")
    z.add("chain3", "DNAME", "target")
    z.add("loop1", "DNAME", "loop2")
    z.add("loop2", "DNAME", "loop1")
    z.add("self", "DNAME", "self")
    z.add("deeper", "DNAME", "x.deeper")
    z.add("long", "DNAME", ".".join(["l" * 60] * 3) + "." + apex)
    z.add("other", "DNAME", other)
    z.add("cut", "NS", "ns.example.")
    z.add("tocut", "DNAME", "cut")
    z.add("ctod", "CNAME", "www.d")
    z.add("ctodx", "CNAME", "nope.d")
    z.add("ctocd", "CNAME", "c.d")
    z.add("under.ent.x", "DNAME", "target")
    z.add("DnaMe-MiXed", "DNAME", "TarGet")
    z.add("root", "DNAME", ".")
    return z


def dname2(apex="dname2.test."):
    """The other end of DNAMEs that leave dname.test, with one at its apex."""
    z = Zone(apex, ns=False)
    z.add("@", "NS", "ns.example.")
    z.add("www", "A", "192.0.2.90")
    z.add("c", "CNAME", "www")
    return z


def dname_below(apex="dnamebelow.test."):
    """Data below a DNAME, which RFC 6672 section 2.4 forbids and which is
    occluded where it is there.  NSD refuses to load such a zone."""
    z = Zone(apex)
    z.add("target", "A", "192.0.2.91")
    z.add("www.target", "A", "192.0.2.92")
    z.add("d", "DNAME", "target")
    z.add("www.d", "TXT", '"occluded"')
    z.add("deep.x.d", "A", "192.0.2.93")
    z.add("cut.d", "NS", "ns.example.")
    return z


def dname_apex(apex="dnameapex.test.", target="dname2.test."):
    z = Zone(apex, ns=False)
    z.add("@", "NS", "ns.example.")
    z.add("@", "DNAME", target)
    z.add("@", "TXT", '"apex"')
    return z


def cnames(apex="cname.test.", other="cname2.test.", length=30):
    """CNAME chains: to each kind of end, within and across zones."""
    z = Zone(apex)
    z.add("www", "A", "192.0.2.100")
    z.add("www", "AAAA", "2001:db8::100")
    z.add("one", "CNAME", "www")
    z.add("two", "CNAME", "one")
    z.add("three", "CNAME", "two")
    z.add("nx", "CNAME", "nothing")
    z.add("nx2", "CNAME", "nx")
    z.add("nodata", "CNAME", "txt")
    z.add("txt", "TXT", '"no address"')
    z.add("ent", "CNAME", "empty")
    z.add("x.empty", "A", "192.0.2.101")
    z.add("towild", "CNAME", "anything.wild")
    z.add("*.wild", "A", "192.0.2.102")
    z.add("*.cwild", "CNAME", "www")
    z.add("tocwild", "CNAME", "x.cwild")
    z.add("*.cnx", "CNAME", "nothing")
    z.add("tocut", "CNAME", "www.cut")
    z.add("tocutapex", "CNAME", "cut")
    z.add("cut", "NS", "ns.cut")
    z.add("ns.cut", "A", "192.0.2.103")
    z.add("toglue", "CNAME", "ns.cut")
    z.add("loop1", "CNAME", "loop2")
    z.add("loop2", "CNAME", "loop1")
    z.add("self", "CNAME", "self")
    z.add("out", "CNAME", "www.example.")
    z.add("toother", "CNAME", "www." + other)
    z.add("toothernx", "CNAME", "nothing." + other)
    z.add("toothernodata", "CNAME", other)
    z.add("toothercut", "CNAME", "x.cut." + other)
    z.add("totherback", "CNAME", "back." + other)
    z.add("apex", "CNAME", "@")
    z.add("toroot", "CNAME", ".")
    for i in range(length):
        z.add("long%d" % i, "CNAME",
              "long%d" % (i + 1) if i + 1 < length else "www")
    z.add("cross0", "CNAME", "cross1." + other)
    z.add("cross2", "CNAME", "cross3." + other)
    z.add("cross4", "CNAME", "www")
    return z


def cnames2(apex="cname2.test.", other="cname.test."):
    z = Zone(apex, ns=False)
    z.add("@", "NS", "ns.example.")
    z.add("www", "A", "192.0.2.110")
    z.add("back", "CNAME", "www." + other)
    z.add("cut", "NS", "ns.example.")
    z.add("cross1", "CNAME", "cross2." + other)
    z.add("cross3", "CNAME", "cross4." + other)
    return z


def family():
    """A parent, a child, a grandchild and an unrelated sibling, all served:
    the child cut secure, one cut with a child that is not served."""
    parent = Zone("parent.test.")
    ds = "12345 13 2 " + "0123456789abcdef" * 4
    parent.add("child", "NS", "ns.child")
    parent.add("ns.child", "A", "192.0.2.120")
    parent.add("child", "DS", ds)
    parent.add("insecure", "NS", "ns.insecure")
    parent.add("ns.insecure", "A", "192.0.2.121")
    parent.add("gone", "NS", "ns.gone")
    parent.add("ns.gone", "A", "192.0.2.122")
    parent.add("gone", "DS", ds)
    parent.add("www", "A", "192.0.2.123")
    parent.add("tochild", "CNAME", "www.child")
    parent.add("tochildnx", "CNAME", "nope.child")
    parent.add("far.ent.child2", "NS", "ns.example.")
    child = Zone("child.parent.test.", ns=False)
    child.add("@", "NS", "ns")
    child.add("ns", "A", "192.0.2.120")
    child.add("www", "A", "192.0.2.124")
    child.add("up", "CNAME", "www.parent.test.")
    child.add("grand", "NS", "ns.grand")
    child.add("ns.grand", "A", "192.0.2.125")
    grand = Zone("grand.child.parent.test.", ns=False)
    grand.add("@", "NS", "ns")
    grand.add("ns", "A", "192.0.2.125")
    insecure = Zone("insecure.parent.test.", ns=False)
    insecure.add("@", "NS", "ns")
    insecure.add("ns", "A", "192.0.2.121")
    insecure.add("*", "A", "192.0.2.126")
    return [parent, child, grand, insecure]


def optout(apex="optout.test."):
    """Delegations with and without DS for an opt-out NSEC3 chain."""
    z = delegations(apex)
    z.add("*.wo", "TXT", '"wildcard"')
    z.add("ins.ent1.ent2", "NS", "ns.example.")
    z.add("sec.ent3.ent4", "NS", "ns.example.")
    z.add("sec.ent3.ent4", "DS", "12345 13 2 " + "0123456789abcdef" * 4)
    z.add("host.ent5", "A", "192.0.2.130")
    z.add("ins.ent5", "NS", "ns.example.")
    return z


def small_root():
    """A root zone of our own, with a few delegations."""
    z = Zone(".")
    z.records = []
    for n in ("a", "b"):
        z.add("@", "NS", n + ".root-servers.net.")
    z.add("a.root-servers.net.", "A", "198.51.100.4")
    z.add("b.root-servers.net.", "AAAA", "2001:db8::b")
    ds = "12345 13 2 " + "0123456789abcdef" * 4
    for tld in ("com", "net", "org", "aero", "zz", "xn--p1ai"):
        z.add(tld, "NS", "ns1." + tld)
        z.add(tld, "NS", "ns.shared.net.")
        z.add("ns1." + tld, "A", "192.0.2.140")
        if tld != "aero":
            z.add(tld, "DS", ds)
    z.add("ns.shared.net.", "A", "192.0.2.141")
    z.add("host", "A", "192.0.2.142")
    return z


def feature_mix(apex):
    """Wildcards, ENTs, DNAME, cuts and CNAMEs in one zone, to be signed."""
    z = Zone(apex)
    for part in (wildcards(apex), ents(apex), dname(apex),
                 cnames(apex, length=8), delegations(apex),
                 names(apex, longest=253)):
        have = {(r.owner.lower(), r.type, r.rdata) for r in z.records}
        z.records += [r for r in part.records
                      if (r.owner.lower(), r.type, r.rdata) not in have]
    # Owners that two parts use for things that cannot stand together, and
    # what cannot be signed beside the wildcard at the apex.
    kinds = {}
    for r in z.records:
        kinds.setdefault(r.owner.lower(), set()).add(r.type)
    clash = {o for o, t in kinds.items()
             if "CNAME" in t and len(t) > 1 or {"DNAME", "NS"} <= t}
    z.records = [r for r in z.records
                 if r.owner.lower() not in clash
                 and not r.owner.startswith("*." + apex)]
    singles = set()
    out = []
    for r in z.records:
        if r.type in ("CNAME", "DNAME"):
            if (r.owner.lower(), r.type) in singles:
                continue
            singles.add((r.owner.lower(), r.type))
        out.append(r)
    z.records = out
    return z
