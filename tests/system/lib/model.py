# SPDX-License-Identifier: BSD-2-Clause
"""What a query should run into, told from the zones alone.

This is no oracle: it does not say what the response is.  It says which
features of the protocol a query reaches, so that the differential tests can
show that they reach all of them.
"""
from . import wire

ADDRESS = {"A", "AAAA"}


def lower_labels(text):
    """A name as a tuple of labels in lower case, the root's end first."""
    return tuple(x.lower() for x in reversed(wire.split_labels(text)))


class ZoneModel:
    """Names and types of one zone, with its empty non-terminals."""

    def __init__(self, zone):
        self.apex = lower_labels(zone.apex)
        self.signing = zone.signing
        self.nodes, self.targets = {}, {}
        for r in [zone.soa()] + zone.records:
            owner = lower_labels(r.owner)
            self.nodes.setdefault(owner, set()).add(r.type)
            if r.type in ("CNAME", "DNAME", "NS"):
                self.targets.setdefault((owner, r.type), []).append(
                    lower_labels(r.rdata))
        self.ents = set()
        for owner in self.nodes:
            for i in range(len(self.apex) + 1, len(owner)):
                if owner[:i] not in self.nodes:
                    self.ents.add(owner[:i])
        if self.signing:
            self.nodes[self.apex] |= {"DNSKEY"}
            if self.signing != "nsec":
                self.nodes[self.apex] |= {"NSEC3PARAM"}

    def exists(self, name):
        return name in self.nodes or name in self.ents

    def cut_above(self, name):
        """The topmost zone cut at or above a name, or None."""
        for i in range(len(self.apex) + 1, len(name) + 1):
            if "NS" in self.nodes.get(name[:i], ()):
                return name[:i]
        return None

    def dname_above(self, name):
        for i in range(len(self.apex), len(name)):
            if "DNAME" in self.nodes.get(name[:i], ()):
                return name[:i]
        return None


class Model:
    """All zones that the servers hold."""

    def __init__(self, zones):
        self.zones = {}
        for z in zones:
            m = ZoneModel(z)
            self.zones[m.apex] = m

    def zone_for(self, name, qtype):
        """The zone to answer from; DS at an apex belongs to the parent."""
        longest = len(name)
        if qtype == "DS" and name in self.zones:
            above = self._deepest(name, longest - 1)
            if above is not None:
                return above
        return self._deepest(name, longest)

    def _deepest(self, name, limit):
        for i in range(limit, -1, -1):
            if name[:i] in self.zones:
                return self.zones[name[:i]]
        return None

    def features(self, name, qtype, do):
        """The set of features that a query for name and qtype reaches."""
        out = set()
        first, seen = True, set()
        zone0 = None
        for step in range(40):
            if name in seen:
                out.add("CNAME or DNAME loop")
                break
            seen.add(name)
            zone = self.zone_for(name, qtype)
            if zone is None:
                out.add("not our zone" if first else "chain leaves our zones")
                break
            if zone0 is None:
                zone0 = zone
            elif zone is not zone0:
                out.add("chain across zones")
            target = self._step(zone, name, qtype, do, out, first)
            if target is None:
                break
            if step:
                out.add("chain of several aliases")
            if step >= 15:
                out.add("chain longer than 15")
            name, first = target, False
        return out

    def _step(self, zone, name, qtype, do, out, first):
        """Add the features of one lookup; returns where an alias leads."""
        end = "" if first else "chain to "
        if do and zone.signing:
            sign = {"nsec": "NSEC ", "nsec3": "NSEC3 ",
                    "optout": "NSEC3 opt-out "}[zone.signing]
        else:
            sign = None
        if qtype == "DS" and name == zone.apex and first:
            out.add("DS at an apex without its parent")
        dname = zone.dname_above(name)
        cut = zone.cut_above(name)
        if dname is not None and (cut is None or len(dname) < len(cut)):
            out.add("DNAME" if first else "chain through a DNAME")
            if zone.exists(name):
                out.add("occluded by a DNAME")
            if sign:
                out.add("DNAME in a signed zone")
            target = zone.targets[dname, "DNAME"][0] + name[len(dname):]
            if sum(len(x) + 1 for x in target) + 1 > 255:
                out.add("DNAME too long (YXDOMAIN)")
                return None
            return target
        if cut is not None and not (qtype == "DS" and cut == name):
            self._referral(zone, cut, name, qtype, out, end, sign)
            return None
        if cut is not None:
            out.add("DS at a cut" if "DS" in zone.nodes[cut]
                    else "no DS at a cut")
        if zone.exists(name):
            return self._at(zone, name, name, qtype, out, end, sign)
        encloser = name[:-1]
        while not zone.exists(encloser):
            encloser = encloser[:-1]
        wild = encloser + (b"*",)
        if wild in zone.nodes:
            return self._at(zone, wild, name, qtype, out, end, sign)
        out.add(end + "NXDOMAIN")
        if wild in zone.ents:
            out.discard(end + "NXDOMAIN")
            out.add("wildcard that is an ENT")
            return None
        if encloser in zone.ents:
            out.add("NXDOMAIN below an ENT")
        if any(x == b"*" for x in encloser):
            out.add("name below a wildcard")
        if sign:
            out.add(sign + "NXDOMAIN proof")
        return None

    def _at(self, zone, node, name, qtype, out, end, sign):
        types = zone.nodes.get(node)
        wild = "" if node == name else "wildcard "
        if types is None:
            out.add(end + "ENT")
            if sign:
                out.add(sign + "ENT proof")
            return None
        if node == name and any(x == b"*" for x in name):
            out.add("asterisk label asked itself")
        if wild and "NS" in types and node != zone.apex:
            out.add("wildcard NS")
        if qtype == "ANY":
            out.add(end + wild + "ANY")
            return None
        if qtype in types:
            out.add(end + wild + "answer")
            if qtype == "CNAME":
                out.add("CNAME asked itself")
            if wild and sign:
                out.add(sign + "wildcard proof")
            if sign and not wild:
                out.add("signed answer")
            return None
        if qtype == "RRSIG" and sign:
            out.add("RRSIG asked")
        if "CNAME" in types and qtype not in ("NSEC", "RRSIG"):
            out.add("wildcard CNAME" if wild else "CNAME")
            if wild and sign:
                out.add(sign + "wildcard proof")
            return zone.targets[node, "CNAME"][0]
        out.add(end + wild + "NODATA")
        if sign and qtype not in ("NSEC", "RRSIG", "NSEC3"):
            out.add(sign + wild + "NODATA proof")
        return None

    @staticmethod
    def _referral(zone, cut, name, qtype, out, end, sign):
        out.add(end + "referral")
        if name != cut and zone.exists(name):
            out.add("data below a cut")
        if qtype == "DS":
            out.add("DS below a cut")
        if qtype == "ANY":
            out.add("ANY at or below a cut")
        if sign:
            secure = "DS" in zone.nodes[cut]
            out.add(sign + ("secure" if secure else "insecure")
                    + " referral")
        for target in zone.targets[cut, "NS"]:
            if target[:len(zone.apex)] != zone.apex:
                out.add("server out of zone")
            elif target[:len(cut)] == cut:
                out.add("in-domain glue" if zone.nodes.get(target, set())
                        & ADDRESS else "in-domain glue missing")
            elif zone.cut_above(target):
                if zone.nodes.get(target, set()) & ADDRESS:
                    out.add("sibling glue")
            else:
                out.add("server with an authoritative address")
