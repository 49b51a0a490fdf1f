# SPDX-License-Identifier: BSD-2-Clause
"""DNS messages as octets: just enough to ask many questions quickly.

dnspython is right where a test asks a few questions; the differential tests
ask tens of thousands, so this module builds queries and takes responses apart
with as little work as possible.  Names are kept in wire format.
"""
import struct
from collections import namedtuple

CLASS = {"IN": 1, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}
TYPE = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MB": 7, "MG": 8, "MR": 9,
    "NULL": 10, "WKS": 11, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15,
    "TXT": 16, "RP": 17, "AFSDB": 18, "X25": 19, "ISDN": 20, "RT": 21,
    "NSAP": 22, "SIG": 24, "KEY": 25, "PX": 26, "AAAA": 28, "LOC": 29,
    "NXT": 30, "SRV": 33, "NAPTR": 35, "KX": 36, "CERT": 37, "DNAME": 39,
    "OPT": 41, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45,
    "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "DHCID": 49, "NSEC3": 50,
    "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53, "HIP": 55, "CDS": 59,
    "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "ZONEMD": 63, "SVCB": 64,
    "HTTPS": 65, "SPF": 99, "EUI48": 108, "EUI64": 109, "TKEY": 249,
    "TSIG": 250, "IXFR": 251, "AXFR": 252, "ANY": 255, "URI": 256,
    "CAA": 257, "DLV": 32769,
}
TYPE_NAME = {number: name for name, number in TYPE.items()}
RCODE = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3,
         "NOTIMP": 4, "REFUSED": 5, "YXDOMAIN": 6, "NOTAUTH": 9,
         "NOTZONE": 10, "BADVERS": 16}
RCODE_NAME = {number: name for name, number in RCODE.items()}

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x400, 0x200, 0x100, 0x80, 0x20, 0x10
FLAG_NAMES = ((QR, "qr"), (AA, "aa"), (TC, "tc"), (RD, "rd"), (RA, "ra"),
              (AD, "ad"), (CD, "cd"))

# Where names sit in RDATA: a list of "n" (a name) and octet counts, the rest
# is opaque.  These are the types whose names may come compressed, or in
# another case than in the zone file because they were.
RDATA_NAMES = {
    2: "n", 3: "n", 4: "n", 5: "n", 6: "nn", 7: "n", 8: "n", 9: "n",
    12: "n", 14: "nn", 15: "2n", 17: "nn", 18: "2n", 21: "2n", 26: "2nn",
    33: "6n", 36: "2n", 39: "n",
}


class Malformed(Exception):
    """The octets are not a DNS message."""


def type_number(text):
    """The number of a type's name, TYPE65280 and the like included."""
    if text in TYPE:
        return TYPE[text]
    if text.startswith("TYPE"):
        return int(text[4:])
    raise ValueError("unknown type " + text)


def type_text(number):
    return TYPE_NAME.get(number, "TYPE%d" % number)


def split_labels(text):
    """The labels of a name in presentation format, as octet strings."""
    labels, label, i = [], bytearray(), 0
    if text == ".":
        return []
    while i < len(text):
        c = text[i]
        if c == "\\":
            if text[i + 1:i + 4].isdigit():
                label.append(int(text[i + 1:i + 4]))
                i += 4
            else:
                label.append(ord(text[i + 1]))
                i += 2
            continue
        if c == ".":
            labels.append(bytes(label))
            label = bytearray()
        else:
            label.append(ord(c))
        i += 1
    if label:
        labels.append(bytes(label))
    return labels


def name(text):
    """Wire format of a name in presentation format, taken as absolute."""
    return join(split_labels(text))


def join(labels):
    """Wire format of a name given as a sequence of labels."""
    return b"".join(bytes((len(x),)) + x for x in labels) + b"\0"


def labels_of(wire):
    """The labels of an uncompressed name in wire format."""
    out, i = [], 0
    while wire[i]:
        out.append(wire[i + 1:i + 1 + wire[i]])
        i += 1 + wire[i]
    return out


def name_text(wire):
    """Presentation format of a name in wire format."""
    out = []
    for label in labels_of(wire):
        text = ""
        for c in label:
            if chr(c) in '.\\"();@$':
                text += "\\" + chr(c)
            elif 0x21 <= c <= 0x7e:
                text += chr(c)
            else:
                text += "\\%03d" % c
        out.append(text)
    return ".".join(out) + "."


def query(qname, qtype, msgid=0, qclass=1, flags=0, opcode=0, edns=None,
          do=False, version=0, options=b"", edns_flags=0):
    """A query as octets.  edns is the payload size offered, or None."""
    out = struct.pack("!HHHHHH", msgid, flags | opcode << 11, 1, 0, 0,
                      0 if edns is None else 1)
    out += qname + struct.pack("!HH", qtype, qclass)
    if edns is not None:
        out += opt(edns, do, version, options, edns_flags)
    return out


def opt(size, do=False, version=0, options=b"", flags=0):
    """An OPT RR as octets."""
    return struct.pack("!BHHBBHH", 0, 41, size, 0, version,
                       (0x8000 if do else 0) | flags, len(options)) + options


def option(code, data=b""):
    """One EDNS option as octets."""
    return struct.pack("!HH", code, len(data)) + data


RR = namedtuple("RR", "owner type cls ttl rdata")
Edns = namedtuple("Edns", "size version flags options ttl_rcode")


class Message:
    """A response taken apart; owner and embedded names in lower case."""
    __slots__ = ("id", "flags", "opcode", "rcode", "question", "sections",
                 "edns", "size")

    @property
    def answer(self):
        return self.sections[0]

    @property
    def authority(self):
        return self.sections[1]

    @property
    def additional(self):
        return self.sections[2]

    def types(self, section):
        return {rr.type for rr in self.sections[section]}

    def flag_text(self):
        return " ".join(n for bit, n in FLAG_NAMES if self.flags & bit)

    def text(self):
        """Several lines for a person to read."""
        out = ["rcode %s, flags %s, %d octets" % (
            RCODE_NAME.get(self.rcode, self.rcode), self.flag_text(),
            self.size)]
        if self.edns:
            out[0] += ", EDNS %d options %s" % (
                self.edns.size, [c for c, _ in self.edns.options])
        for title, section in zip(("answer", "authority", "additional"),
                                  self.sections):
            out += ["  %-10s %s" % (title, rr_text(rr))
                    for rr in sorted(section)]
        return "\n".join(out)


def rr_text(rr):
    return "%s %d %s %s" % (name_text(rr.owner), rr.ttl, type_text(rr.type),
                            rdata_text(rr))


def rdata_text(rr):
    """RDATA for a person: names spelled out, the rest as hexadecimal."""
    if rr.type == 1 and len(rr.rdata) == 4:
        return ".".join(str(x) for x in rr.rdata)
    shape = RDATA_NAMES.get(rr.type)
    if shape is None and rr.type == 47:
        shape = "n"
    if shape is None:
        text = rr.rdata.hex()
        return text if len(text) <= 60 else text[:57] + "..."
    out, i = [], 0
    for step in shape:
        if step == "n":
            end = i
            while rr.rdata[end]:
                end += 1 + rr.rdata[end]
            out.append(name_text(rr.rdata[i:end + 1]))
            i = end + 1
        else:
            out.append(rr.rdata[i:i + int(step)].hex())
            i += int(step)
    if i < len(rr.rdata):
        out.append(rr.rdata[i:].hex())
    return " ".join(out)


def _name_at(msg, pos, cache):
    """(name in lower case, position behind it); pointers go back only."""
    hit = cache.get(pos)
    if hit is not None:
        return hit
    start, out, end, limit = pos, [], None, pos
    size = 0
    while True:
        length = msg[pos]
        if length == 0:
            out.append(b"\0")
            if end is None:
                end = pos + 1
            break
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | msg[pos + 1]
            if end is None:
                end = pos + 2
            if target >= limit:
                raise Malformed("a compression pointer does not go back")
            limit = target
            known = cache.get(target)
            if known is not None:
                out.append(known[0])
                break
            pos = target
            continue
        if length > 63:
            raise Malformed("label type")
        out.append(msg[pos:pos + 1 + length])
        pos += 1 + length
        size += 1 + length
        if size > 255:
            raise Malformed("name too long")
    # A length octet is below 64: lower() leaves it alone.
    hit = b"".join(out).lower(), end
    cache[start] = hit
    return hit


def name_at(msg, pos):
    """The name at a position, uncompressed and in lower case."""
    return _name_at(msg, pos, {})[0]


def _rdata(msg, rtype, pos, length, cache):
    shape = RDATA_NAMES.get(rtype)
    if shape is None:
        return msg[pos:pos + length]
    out, stop = [], pos + length
    for step in shape:
        if step == "n":
            wire, pos = _name_at(msg, pos, cache)
            out.append(wire)
        else:
            out.append(msg[pos:pos + int(step)])
            pos += int(step)
    if pos > stop:
        raise Malformed("names run out of the RDATA")
    out.append(msg[pos:stop])
    return b"".join(out)


def _options(data):
    out, i = [], 0
    while i + 4 <= len(data):
        code, length = struct.unpack_from("!HH", data, i)
        out.append((code, data[i + 4:i + 4 + length]))
        i += 4 + length
    if i != len(data):
        raise Malformed("EDNS options")
    return tuple(out)


def parse(msg):
    """Take a message apart.  Raises Malformed."""
    try:
        return _parse(msg)
    except (IndexError, struct.error) as e:
        raise Malformed("too short") from e


def rrs(octets):
    """Single records, as octets, in the form in which parse gives them."""
    found = []
    for i in range(0, len(octets), 200):
        part = octets[i:i + 200]
        head = struct.pack("!HHHHHH", 0, 0x8400, 0, len(part), 0, 0)
        found += parse(head + b"".join(part)).answer
    return found


def _parse(msg):
    m = Message()
    m.id, flags, qd, an, ns, ar = struct.unpack_from("!HHHHHH", msg)
    m.flags = flags & 0x87B0
    m.opcode = flags >> 11 & 15
    m.rcode = flags & 15
    m.size = len(msg)
    m.edns = None
    cache, pos = {}, 12
    for _ in range(qd):
        _, pos = _name_at(msg, pos, cache)
        pos += 4
    m.question = msg[12:pos]
    m.sections = []
    for count in (an, ns, ar):
        section = []
        for _ in range(count):
            owner, pos = _name_at(msg, pos, cache)
            rtype, cls, ttl, length = struct.unpack_from("!HHIH", msg, pos)
            pos += 10
            if pos + length > len(msg):
                raise Malformed("RDATA runs out of the message")
            if rtype == 41:
                if m.edns is not None:
                    raise Malformed("two OPT RRs")
                m.edns = Edns(cls, ttl >> 16 & 0xFF, ttl & 0xFFFF,
                              _options(msg[pos:pos + length]), ttl >> 24)
                m.rcode |= ttl >> 24 << 4
            else:
                section.append(RR(owner, rtype, cls, ttl,
                                  _rdata(msg, rtype, pos, length, cache)))
            pos += length
        m.sections.append(section)
    if pos != len(msg):
        raise Malformed("octets behind the message")
    return m
