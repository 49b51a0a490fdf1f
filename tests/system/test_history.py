# SPDX-License-Identifier: BSD-2-Clause
"""IXFR out of the history that ixfr-journal keeps, to real servers and
programs: from every version, over restarts, however the versions came."""
from lib import dnsq, servers
from lib.case import test
from lib.fakeprimary import notify
from lib.history import APEX, NEEDS, Followed

VENDORS = ("nsd", "knot", "bind")


@test(needs=NEEDS, condense=("auto", "on", "off"))
def every_version_is_left_by_its_steps(case, condense):
    f = Followed(case, options={"ixfr-condense": condense})
    f.publish(7)
    f.ixfr_from_all(condensed=condense != "off")


def save(server, serial):
    """Whatever it takes that it has its zone again when it is started."""
    if server.kind != "nsd":
        return
    # It writes the file when told to, and then only if it is another one.
    server.control("write " + APEX.rstrip("."))

    def is_written():
        try:
            with open(server.zone_file(APEX)) as f:
                return " %d " % serial in f.read().replace("\t", " ")
        except OSError:
            return False
    server.case.wait_until(is_written, 10, "NSD's zone file")


def have_told(f, below, mark):
    """A NOTIFY is heeded; what the log then says of the transfer."""
    assert notify(below.at(), APEX, f.key, source="127.0.0.1") is not None
    below.wait_serial(APEX, f.newest)
    return f.wait_told(mark)


@test(needs=("{below}",) + NEEDS, below=VENDORS,
      condense=("condensed", "stepwise"), key=("unsigned", "signed"))
def real_secondaries_that_were_stopped_catch_up(case, below, condense, key):
    key = servers.new_key() if key == "signed" else None
    f = Followed(case, key, options={
        "ixfr-condense": "auto" if condense == "condensed" else "off"})
    behind = case.server(below, name="below", addresses=("127.0.0.1",))
    behind.follow(APEX, [f.sut.peer(key)], allow=[servers.allow(key)])
    behind.start()
    behind.wait_serial(APEX, 1)
    for ahead in (1, 5, 2):
        held = f.newest
        save(behind, held)
        behind.stop()
        mark = len(f.sut.log_text())
        f.publish(ahead)
        behind.start()
        t = have_told(f, behind, mark)
        assert t.kind == "IXFR" and t.way == (held, f.newest), t
        assert t.steps == ahead and not t.is_cut, t
        assert t.is_condensed == (condense == "condensed" and ahead > 1), t
        assert t.key == (key.name if key else "none"), t.key
        got = set(dnsq.peer_axfr(behind.at(), APEX, key=key))
        assert got == f.versions[f.newest], len(got)
