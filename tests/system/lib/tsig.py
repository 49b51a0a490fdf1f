# SPDX-License-Identifier: BSD-2-Clause
"""TSIG (RFC 8945) made by hand, so that a test can also make it wrong."""
import base64
import hashlib
import hmac
import struct
import time

from . import wire

DIGEST = {"hmac-md5": "md5", "hmac-sha1": "sha1", "hmac-sha224": "sha224",
          "hmac-sha256": "sha256", "hmac-sha384": "sha384",
          "hmac-sha512": "sha512"}
WIRE_NAME = dict({a: wire.name(a + ".") for a in DIGEST},
                 **{"hmac-md5": wire.name("hmac-md5.sig-alg.reg.int.")})
BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22


class Tsig:
    """A TSIG RR taken apart, and the message without it."""

    def __init__(self, msg):
        self.ok = False
        count = struct.unpack_from("!H", msg, 10)[0]
        pos = _skip_to_last(msg) if count else None
        if pos is None:
            return
        start = pos
        pos = _skip_name(msg, pos)
        rtype, _, _, _ = struct.unpack_from("!HHIH", msg, pos)
        if rtype != 250:
            return
        self.ok = True
        self.name = wire.name_at(msg, start)
        rdata = pos + 10
        pos = _skip_name(msg, rdata)
        self.algorithm = wire.name_at(msg, rdata)
        high, low, self.fudge, size = struct.unpack_from("!HIHH", msg, pos)
        self.time = high << 32 | low
        self.mac = msg[pos + 10:pos + 10 + size]
        pos += 10 + size
        self.original_id, self.error, other = struct.unpack_from(
            "!HHH", msg, pos)
        self.other = msg[pos + 6:pos + 6 + other]
        self.message = (msg[:10] + struct.pack("!H", count - 1)
                        + msg[12:start])


def _skip_name(msg, pos):
    while msg[pos]:
        if msg[pos] >= 0xC0:
            return pos + 2
        pos += 1 + msg[pos]
    return pos + 1


def _skip_to_last(msg):
    """The position of the last record of a message."""
    qd, an, ns, ar = struct.unpack_from("!HHHH", msg, 4)
    pos, last = 12, None
    for _ in range(qd):
        pos = _skip_name(msg, pos) + 4
    for _ in range(an + ns + ar):
        last = pos
        pos = _skip_name(msg, pos)
        pos += 10 + struct.unpack_from("!H", msg, pos + 8)[0]
    return last


def _mac(key, data):
    return hmac.new(base64.b64decode(key.secret), data,
                    getattr(hashlib, DIGEST[key.algorithm])).digest()


def _timers(when, fudge):
    return struct.pack("!HIH", when >> 32, when & 0xFFFFFFFF, fudge)


def _variables(key, when, fudge, error=0, other=b""):
    return (wire.name(key.name).lower() + struct.pack("!HI", 255, 0)
            + WIRE_NAME[key.algorithm] + _timers(when, fudge)
            + struct.pack("!HH", error, len(other)) + other)


def append(msg, key, mac, when, fudge=300, error=0, other=b""):
    """The message with a TSIG RR that holds this MAC."""
    rdata = (WIRE_NAME[key.algorithm] + _timers(when, fudge)
             + struct.pack("!H", len(mac)) + mac + msg[:2]
             + struct.pack("!HH", error, len(other)) + other)
    count = struct.unpack_from("!H", msg, 10)[0] + 1
    return (msg[:10] + struct.pack("!H", count) + msg[12:]
            + wire.name(key.name) + struct.pack("!HHIH", 250, 255, 0,
                                                len(rdata)) + rdata)


def append_error(msg, asked, error):
    """The message with the TSIG RR of a refusal, which has no MAC: BADKEY or
    BADSIG."""
    rdata = (asked.algorithm + _timers(asked.time, asked.fudge)
             + struct.pack("!H", 0) + msg[:2]
             + struct.pack("!HH", error, 0))
    count = struct.unpack_from("!H", msg, 10)[0] + 1
    return (msg[:10] + struct.pack("!H", count) + msg[12:] + asked.name
            + struct.pack("!HHIH", 250, 255, 0, len(rdata)) + rdata)


def sign_query(msg, key, when=None, fudge=300, cut=None):
    """Sign a request; cut truncates the MAC.  Returns (octets, MAC)."""
    when = int(time.time()) if when is None else when
    mac = _mac(key, msg + _variables(key, when, fudge))[:cut]
    return append(msg, key, mac, when, fudge), mac


class Signer:
    """Signs the messages of one answer, in order."""

    def __init__(self, key, request_mac):
        self.key, self.prior = key, request_mac
        self.first, self.unsigned = True, b""

    def leave_unsigned(self, msg):
        """A message between: it counts for the next MAC."""
        self.unsigned += msg
        return msg

    def sign(self, msg, when=None, fudge=300, spoil=False, cut=None):
        when = int(time.time()) if when is None else when
        data = struct.pack("!H", len(self.prior)) + self.prior
        data += self.unsigned + msg
        data += (_variables(self.key, when, fudge) if self.first
                 else _timers(when, fudge))
        mac = _mac(self.key, data)
        self.first, self.unsigned, self.prior = False, b"", mac
        if spoil:
            mac = bytes((mac[0] ^ 1,)) + mac[1:]
        return append(msg, self.key, mac[:cut], when, fudge)


class Bad(Exception):
    """A stream that is not signed as it should be."""


class Checker:
    """Verifies the messages of one answer, in order."""

    def __init__(self, key, request_mac):
        self.key, self.prior = key, request_mac
        self.first, self.unsigned = True, b""

    def take(self, msg):
        """The message without its TSIG.  Raises Bad."""
        t = Tsig(msg)
        if not t.ok:
            if self.first:
                raise Bad("the first message is not signed")
            self.unsigned += msg
            return msg
        if t.name != wire.name(self.key.name).lower():
            raise Bad("signed with another key")
        if t.error:
            raise Bad("TSIG error %d" % t.error)
        plain = t.original_id.to_bytes(2, "big") + t.message[2:]
        data = struct.pack("!H", len(self.prior)) + self.prior
        data += self.unsigned + plain
        data += (_variables(self.key, t.time, t.fudge, t.error, t.other)
                 if self.first else _timers(t.time, t.fudge))
        if not hmac.compare_digest(_mac(self.key, data), t.mac):
            raise Bad("the MAC does not verify")
        if abs(t.time - time.time()) > t.fudge:
            raise Bad("the time signed is wrong")
        self.first, self.unsigned, self.prior = False, b"", t.mac
        return t.message

    def end(self):
        if self.first or self.unsigned:
            raise Bad("the last message is not signed")


def verify_query(msg, key):
    """Whether a request is signed with the key; (verified, Tsig)."""
    t = Tsig(msg)
    if not t.ok or t.name != wire.name(key.name).lower():
        return False, t
    want = _mac(key, t.original_id.to_bytes(2, "big") + t.message[2:]
                + _variables(key, t.time, t.fudge, t.error, t.other))
    return hmac.compare_digest(want, t.mac), t
