# SPDX-License-Identifier: BSD-2-Clause
"""A large zone that changes all the time: changes are laid over its image and
compacted behind the scenes, and nobody who asks can tell."""
import os
import os
import re
import random
import subprocess
import threading
import time

from lib import diff, dnsq, judge, servers, zones
from lib.case import test
from lib.churn import Churn, Eye, Listener, Probe
from test_differential import SETS, references
from test_follow import pair, step, wait_stored

APEX = "churn.test."
NAMES = 20000


def churning(case, count=NAMES, wrapper=(), **kw):
    """A primary with a zone of many names, and secondaryd that has it."""
    churn = Churn(case, APEX, count)
    sut = case.server("secondaryd", **kw)
    sut.follow(APEX, [churn.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.launch(wrapper)
    sut.wait_ready()
    sut.wait_serial(APEX, 1)
    return churn, sut


def follow(churn, sut, eye, steps):
    """So many versions, each of which is waited for."""
    for _ in range(steps):
        churn.step()
        churn.tell(sut.at())
        deadline = time.monotonic() + 10
        while eye.serial() != churn.serial:
            assert time.monotonic() < deadline, churn.serial
    return churn.serial


def follow_until_killed(churn, sut, eye, seconds):
    """Versions come until it is gone, wherever that finds it."""
    timer = threading.Timer(seconds, sut.kill)
    timer.start()
    try:
        while True:
            follow(churn, sut, eye, 1)
    except OSError:
        timer.join()


def compactions(sut, after=0):
    return len(re.findall(r"compacted serial", sut.log_text()[after:]))


@test(needs=("secondaryd",))
def every_answer_is_of_one_version_while_versions_come_and_go(case):
    churn, sut = churning(case)
    eye, watcher = Eye(churn, sut.at()), Eye(churn, sut.at(), 3)
    probe = Probe(APEX, sut.at())
    stop = threading.Event()
    thread = threading.Thread(target=watcher.watch, args=(stop,))
    thread.start()
    began = time.monotonic()
    try:
        follow(churn, sut, eye, 3000)
        took = time.monotonic() - began
    finally:
        stop.set()
        thread.join()
        asked = probe.end()
    assert not watcher.wrong, watcher.wrong[:3]
    kinds = [t[0] for t in sut.transfers(APEX, churn.serial)]
    assert kinds.count("AXFR") == 1, kinds.count("AXFR")
    assert kinds.count("IXFR") >= 2900, len(kinds)
    case.wait_until(lambda: compactions(sut) >= 3, 10, "compactions")
    assert churn.check(sut.at()) == churn.serial
    case.say("%d changes in %.1f s, %d compactions; %d looks; %d questions, "
             "answered in %.1f ms at most" % (
                 (len(kinds) - 1, took, compactions(sut), watcher.looks)
                 + asked))


def survive(case, turns):
    """Ended in the midst of it, well or badly, again and again."""
    rnd = random.Random(5)
    churn, sut = churning(case)
    ear = Listener(case)
    sut.zones[APEX].notify = [servers.Peer(ear.address, ear.port, None)]
    sut.reload()
    for turn in range(turns):
        eye = Eye(churn, sut.at())
        if turn % 2:
            follow_until_killed(churn, sut, eye, rnd.uniform(0.05, 0.8))
        else:
            follow(churn, sut, eye, rnd.randrange(50, 400))
            assert sut.stop() == 0
        announced = ear.serial
        churn.ixfr = churn.axfr = churn.on_soa = churn.refuse
        sut.start()
        back = churn.check(sut.at())
        assert announced <= back <= churn.serial, (announced, back)
        assert turn % 2 or back == churn.serial, (back, churn.serial)
        churn.ixfr, churn.axfr = churn.differences, churn.whole
        churn.on_soa = churn.tell_soa
        sut.ctl("refresh", APEX)
        sut.wait_serial(APEX, churn.serial)
    kinds = [t[0] for t in sut.transfers(APEX, churn.serial)]
    assert kinds.count("AXFR") == 1, kinds
    case.say("%d compactions, announced %d of %d" % (
        compactions(sut), ear.serial, churn.serial))


@test(needs=("secondaryd",), limit=240)
def whatever_was_announced_survives(case):
    survive(case, 10)


@test(needs=("secondaryd",), limit=1200, long=True)
def whatever_was_announced_survives_hundreds_of_ends(case):
    survive(case, 300)


@test(needs=("prlimit", "secondaryd"), limit=180)
def a_full_disk_delays_a_compaction_and_nothing_else(case):
    churn, sut = churning(case)
    eye = Eye(churn, sut.at())
    follow(churn, sut, eye, 20)
    wait_stored(case, sut, APEX)
    pid = str(sut.program.popen.pid)
    mark = len(sut.log_text())
    # The image has more octets than this, the database fewer.
    images = sut.p("state", "images")
    size = max(os.path.getsize(os.path.join(images, f))
               for f in os.listdir(images))
    database = os.path.getsize(sut.p("state", "store.mdb"))
    limit = (size + database) // 2
    assert database < limit < size, (database, limit, size)
    subprocess.run(["prlimit", "--pid", pid,
                    "--fsize=%d:unlimited" % limit], check=True)
    for _ in range(200):
        follow(churn, sut, eye, 2)
        if "cannot be compacted" in sut.log_text()[mark:]:
            break
    sut.wait_log("cannot be compacted", after=mark)
    follow(churn, sut, eye, 20)
    assert compactions(sut, mark) == 0
    assert churn.check(sut.at()) == churn.serial
    subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited"],
                   check=True)
    # It is tried again by itself, or with a change.
    sut.wait_log("compacted serial", timeout=30, after=mark)
    case.wait_until(lambda: "ALARM" not in sut.status_of(APEX), 30,
                    "all of it to be stored")
    wait_stored(case, sut, APEX)
    sut.kill()
    churn.ixfr = churn.axfr = churn.on_soa = churn.refuse
    sut.start()
    assert churn.check(sut.at()) == churn.serial


@test(needs=("secondaryd",), limit=180)
def a_whole_transfer_during_a_compaction_wins(case):
    churn, sut = churning(case)
    eye = Eye(churn, sut.at())
    for turn in range(12):
        # About where a compaction begins.
        follow(churn, sut, eye, 190 + turn % 4 * 10)
        churn.step()
        sut.ctl("retransfer", APEX)
        churn.tell(sut.at())
        sut.wait_serial(APEX, churn.serial)
    assert churn.check(sut.at()) == churn.serial
    wait_stored(case, sut, APEX)
    sut.kill()
    churn.ixfr = churn.axfr = churn.on_soa = churn.refuse
    sut.start()
    assert churn.check(sut.at()) == churn.serial
    kinds = [t[0] for t in sut.transfers(APEX, churn.serial)]
    case.say("%d AXFRs, %d compactions" % (kinds.count("AXFR"),
                                           compactions(sut)))


@test(needs=("secondaryd",), limit=180)
def a_change_that_is_not_for_layers_is_built_meanwhile(case):
    churn, sut = churning(case)
    eye = Eye(churn, sut.at())
    for turn in range(8):
        # About where a compaction begins; then most names go, or come back.
        follow(churn, sut, eye, 190 + turn % 4 * 10)
        churn.step(width=9000, going=0.9 if turn % 2 else 0.0)
        churn.step()
        churn.tell(sut.at())
        sut.wait_serial(APEX, churn.serial)
        assert churn.check(sut.at()) == churn.serial
    kinds = [t[0] for t in sut.transfers(APEX, churn.serial)]
    assert kinds.count("AXFR") == 1, kinds
    wait_stored(case, sut, APEX)
    sut.kill()
    churn.ixfr = churn.axfr = churn.on_soa = churn.refuse
    sut.start()
    assert churn.check(sut.at()) == churn.serial
    case.say("%d compactions" % compactions(sut))


@test(needs=("knot", "secondaryd"), limit=180)
def changes_of_a_real_primary_equal_its_zone(case):
    zone = zones.flat(count=3000)
    rnd = random.Random(3)
    prim, sut = pair(case, "knot", zone)
    for _ in range(30):
        zone = zones.edited(zone, rnd, changes=40)
        step(prim, sut, zone)
    assert compactions(sut) > 0
    wait_stored(case, sut, zone.apex)
    prim.stop()
    sut.kill()
    sut.start()
    assert sut.serial(zone.apex) == zone.serial


# The zones of test_differential.py that go into layers, and how they are
# signed; None: they are not.
LAYERED = {
    "nsec": (lambda: [zones.feature_mix("nsec.test.")], {}),
    "nsec3": (lambda: [zones.feature_mix("nsec3.test.")],
              {"nsec3": ("aabbccdd", 3)}),
    "optout": (lambda: [zones.optout()],
               {"nsec3": ("", 0), "optout": True}),
    "delegations": (lambda: [zones.delegations()], None),
    "wildcards": (lambda: [zones.wildcards(), zones.ents()], None),
    "aliases": (lambda: [zones.dname(), zones.dname2(), zones.cnames(),
                         zones.cnames2()], None),
}
STAGES = 4


def large(zone, work, how):
    """The zone with names that nobody asks for, so that its image is a file,
    and signed where it is to be."""
    full = zone.copy(STAGES + 1)
    for i in range(1500):
        full.add("zzfill%05d" % i, "TXT", '"%s"' % ("x" * 60))
    if how is not None:
        full = zones.signed(full, work, **how)
        full.serial, zone.signing = STAGES + 1, full.signing
    return full


class Stage:
    """A zone on its way to what it is to be in the end: a quarter of its
    owners are not there yet, and others will have to go."""

    def __init__(self, zone, serial, rnd):
        self.apex, self.serial = zone.apex, serial
        apex, owners = zone.apex.lower(), {}
        for r in zone.all_records():
            owners.setdefault(r.owner.lower(), []).append(r)
        # BIND insists on what the apex needs. So many names would be
        # compacted at once.
        needed = (apex, "ns1." + apex, "ns2." + apex)
        many = {o for o, rs in owners.items() if o.startswith("zzfill")
                or any(r.type == "NSEC3" for r in rs)}
        here = [o for o in owners if o in needed
                or rnd.random() < (0.98 if o in many else 0.75)]
        self.lines = ["%s %d IN SOA ns1.%s h.%s %d 3600 600 604800 300" % (
            apex, zone.ttl, apex, apex, serial)]
        self.lines += ["%s %d IN %s %s" % r for o in here for r in owners[o]
                       if r.type != "SOA"]
        above = [o for o in here if len(o) < 100 and "\\" not in o]
        self.lines += ["x%d.%s %d IN A 192.0.2.9" % (
            rnd.randrange(10**6), rnd.choice(above), zone.ttl)
            for _ in range(20)]

    def text(self):
        return "\n".join(self.lines) + "\n"


@test(needs=("nsd", "knot", "bind", "signer", "secondaryd"), limit=240,
      what=LAYERED)
def answers_through_layers_equal_those_of_nsd_knot_and_bind(case, what):
    make, how = LAYERED[what]
    rnd, asked = random.Random(9), make()
    served = [large(z, case.subdir("work"), how) for z in asked]
    refs = references(case, served, SETS[what].references)
    # Not Knot, which takes a\000b and b.a for one name.
    prim = case.server("bind", name="primary")
    sut = case.server("secondaryd")
    for z in served:
        prim.serve(Stage(z, 1, rnd), allow=[servers.allow()],
                   notify=[sut.peer()])
        sut.follow(z.apex, [prim.peer()],
                   allow=[servers.allow(address="127.0.0.0/8")])
    prim.start()
    sut.start()
    for serial in range(1, STAGES + 2):
        for z in served:
            if serial > 1:
                prim.update(z if serial > STAGES else Stage(z, serial, rnd))
            sut.wait_serial(z.apex, serial)
    for z in served:
        kinds = [t[0] for t in sut.transfers(z.apex, z.serial)]
        assert kinds == ["AXFR"] + ["IXFR"] * STAGES, kinds
        assert "nodes in" in sut.status_of(z.apex), sut.status_of(z.apex)
        dnsq.assert_same_zone(prim.at(), sut.at(), z.apex)
    queries = diff.Plan(asked, neighbours=0.6).queries
    v = judge.judge(asked, queries, [r.at() for r in refs], sut.at(),
                    SETS[what].references, what)
    assert not v.wrong, "\n\n".join(v.wrong[:5])
    judge.report(case, v, ())
