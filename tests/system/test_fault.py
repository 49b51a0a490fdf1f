# SPDX-License-Identifier: BSD-2-Clause
"""secondaryd with ixfr-journal where the machine fails: kill -9, full disks, a
disk that does not write. What was told to others is not lost, and what goes
wrong ends by itself."""
import json
import os
import random
import re
import subprocess
import threading
import time

from lib import servers
from lib.case import test
from lib.churn import Churn, Eye, Listener
from lib.fakeprimary import FakePrimary, rr
from test_journal import Journal, parsed

APEX = "churn.test."
NEEDS = ("secondaryd", "secondaryctl", "ixfr-journal.so")
FEW = "zone:\n  - id: default\n    max-steps: 200\n    keep-steps: 20\n"


class Unstoppable(threading.Thread):
    """Makes versions and tells of them, whether anybody hears it or not."""

    def __init__(self, churn, endpoint, pause=0.004):
        super().__init__(daemon=True)
        self.churn, self.endpoint, self.pause = churn, endpoint, pause
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(self.pause):
            self.churn.step()
            self.churn.tell(self.endpoint)

    def end(self):
        self.ended.set()
        self.join()


def churning(case, names, options=FEW, wrapper=()):
    """A primary that changes, secondaryd with a journal, and who hears of it."""
    churn = Churn(case, APEX, names)
    ear = Listener(case)
    sut = case.server("secondaryd")
    sut.follow(APEX, [churn.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.zones[APEX].notify = [servers.Peer(ear.address, ear.port, None)]
    sut.add_module("journal", "ixfr-journal", options)
    sut.launch(wrapper)
    sut.wait_ready()
    sut.wait_serial(APEX, 1)
    return churn, ear, sut


def whole(churn, serial):
    """A version as an export should have it."""
    return parsed([churn.soa(serial)] + churn.version(serial))


def sound(said):
    assert json.loads(said)[-1] == {"zones": 1, "damaged": 0}, said


def check_chain(churn, versions, served):
    """One leads to the next, up to what is served at least."""
    listed = list(versions.values())
    assert served in [v["serial"] for v in listed], (served, listed[-3:])
    for before, v in zip(listed, listed[1:]):
        assert v.get("from-serial") == before["serial"], (before, v)
        assert before["serial"] < v["serial"] <= churn.serial, (before, v)
    assert listed[0].get("beginning"), listed[0]


def check_left(churn, ear, sut, rnd):
    """What is there after a kill; nothing comes from the primary."""
    sound(sut.look("journal", "ixfr-journal", "journal", "--json", "verify"))
    announced = ear.serial
    sut.start()
    back = churn.check(sut.at())
    assert announced <= back <= churn.serial, (announced, back)
    journal = Journal(sut)
    sound(journal.ask("--json", "verify"))
    versions = journal.versions(APEX)
    check_chain(churn, versions, back)
    known = [v for v in versions.values() if v["serial"] <= back]
    for v in [known[-1]] + rnd.sample(known, min(2, len(known))):
        assert journal.export(APEX, v["id"]) == whole(churn, v["serial"]), v


def follow_again(case, churn, sut):
    churn.ixfr, churn.axfr = churn.differences, churn.whole
    churn.on_soa = churn.tell_soa
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, churn.serial)


def wait_kept(case, sut, serial):
    journal = Journal(sut)
    case.wait_until(
        lambda: list(journal.versions(APEX, "1").values())[-1]["serial"] ==
        serial, 20, "the journal to have serial %d" % serial)


def survive(case, kills, names=150):
    rnd = random.Random(9)
    churn, ear, sut = churning(case, names)
    for _ in range(kills):
        flow = Unstoppable(churn, sut.at())
        time.sleep(rnd.uniform(0.0, 0.3))
        sut.kill()
        flow.end()
        churn.ixfr = churn.axfr = churn.on_soa = churn.refuse
        check_left(churn, ear, sut, rnd)
        follow_again(case, churn, sut)
    wait_kept(case, sut, churn.serial)
    journal = Journal(sut)
    versions = journal.versions(APEX)
    check_chain(churn, versions, churn.serial)
    for v in versions.values():
        assert journal.export(APEX, v["id"]) == whole(churn, v["serial"]), v
    case.say("%d kills, %d versions, announced %d" % (
        kills, churn.serial, ear.serial))


@test(needs=NEEDS, limit=240)
def kills_while_changes_flow_lose_nothing_that_was_told(case):
    survive(case, 20)


@test(needs=NEEDS, limit=7200, long=True)
def a_thousand_kills_while_changes_flow_lose_nothing_that_was_told(case):
    survive(case, 1000)


#
# What goes wrong, and ends by itself
#

def is_durable(sut):
    """Does the journal say that it keeps all changes?"""
    said = sut.ctl("module-status")
    named = re.search(r"^%s\nmodule journal\n +durable +off$"
                      % re.escape(APEX), said, re.M)
    durable = re.search(r"^ +durable +(on|off)$", said, re.M)[1] == "on"
    assert durable == (named is None), said
    assert durable == (re.search(r"^ +alarm ", said, re.M) is None), said
    return durable


def keep_following(churn, sut, ear, count, width=10):
    """Serving, transfers and NOTIFY go on."""
    eye = Eye(churn, sut.at())
    for _ in range(count):
        churn.step(width)
        churn.tell(sut.at())
        deadline = time.monotonic() + 20
        while eye.serial() != churn.serial or ear.serial != churn.serial:
            assert time.monotonic() < deadline, (eye.serial(), ear.serial,
                                                 churn.serial)
            time.sleep(0.005)


def expect_alarm(case, churn, sut, ear, text, width=10):
    """Changes are not kept; nothing else is the matter."""
    def is_told():
        keep_following(churn, sut, ear, 1, width)
        return not is_durable(sut)
    case.wait_until(is_told, 60, "the alarm")
    keep_following(churn, sut, ear, 5, width)
    assert not is_durable(sut)
    said = sut.ctl("module-status")
    assert re.search("alarm +changes are not kept: .*" + text, said), said
    assert churn.check(sut.at()) == churn.serial


def expect_recovery(case, churn, sut, ear):
    """By itself, without a change, and so that history goes on."""
    case.wait_until(lambda: is_durable(sut), 30, "the journal to recover")
    journal = Journal(sut)
    serial = str(churn.serial)
    case.wait_until(lambda: not journal.ask(
        "export", APEX, serial, check=False).startswith("secondaryctl"), 30,
        "the version that is served to be whole")
    assert journal.export(APEX, serial) == whole(churn, churn.serial)
    before = churn.serial
    keep_following(churn, sut, ear, 5)
    wait_kept(case, sut, churn.serial)
    sound(journal.ask("--json", "verify"))
    deleted, added = journal.diff(APEX, "%d..%d" % (before, churn.serial))
    assert (deleted, added) == (
        whole(churn, before) - whole(churn, churn.serial),
        whole(churn, churn.serial) - whole(churn, before))


def on_tmpfs(sut, size):
    """The journal's folder is a file system of its own, which the server alone
    sees and which goes with it."""
    path = sut.p("state", "modules", "journal")
    os.makedirs(path, mode=0o700)
    for above in (sut.p("state"), sut.p("state", "modules")):
        os.chmod(above, 0o700)
    return ("unshare", "-m", "sh", "-c",
            'mount -t tmpfs -o mode=0700,size=%s tmpfs "$0" && exec "$@"'
            % size, path)


def can_mount():
    p = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs",
                        "/mnt"], stderr=subprocess.DEVNULL)
    return p.returncode == 0


@test(needs=NEEDS + ("unshare", "nsenter", "mount"), limit=240)
def a_full_file_system_harms_no_service_and_the_journal_recovers(case):
    if not can_mount():
        case.skip("this machine lets nobody mount")
    churn = Churn(case, APEX, 1000)
    ear = Listener(case)
    sut = case.server("secondaryd")
    sut.follow(APEX, [churn.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.zones[APEX].notify = [servers.Peer(ear.address, ear.port, None)]
    sut.add_module("journal", "ixfr-journal")
    sut.launch(on_tmpfs(sut, "1m"))
    sut.wait_ready()
    sut.wait_serial(APEX, 1)
    expect_alarm(case, churn, sut, ear, "no space", width=200)
    subprocess.run(
        ["nsenter", "-t", str(sut.program.popen.pid), "-m", "mount", "-o",
         "remount,size=64m", sut.p("state", "modules", "journal")],
        check=True)
    expect_recovery(case, churn, sut, ear)


def shim():
    return os.environ.get("SECD_SHIM", "")


@test(needs=NEEDS, limit=240, what=("sync", "write", "all"))
def a_disk_that_does_not_write_harms_no_service_and_the_journal_recovers(
        case, what):
    if not os.path.exists(shim()):
        case.skip("the shim is not built")
    churn = Churn(case, APEX, 300)
    ear = Listener(case)
    sut = case.server("secondaryd")
    sut.follow(APEX, [churn.peer()],
               allow=[servers.allow(address="127.0.0.0/8")])
    sut.zones[APEX].notify = [servers.Peer(ear.address, ear.port, None)]
    sut.add_module("journal", "ixfr-journal")
    fails = sut.p("fails")
    sut.environment = {"LD_PRELOAD": shim(), "SECD_FAULT_WHILE": fails,
                       "SECD_FAULT_DIR": sut.p("state", "modules", "journal")}
    sut.start()
    sut.wait_serial(APEX, 1)
    keep_following(churn, sut, ear, 5)
    wait_kept(case, sut, churn.serial)
    for _ in range(2):
        with open(fails, "w") as f:
            f.write(what + " eio")
        expect_alarm(case, churn, sut, ear, "(failed|[Ee]rror)")
        os.unlink(fails)
        expect_recovery(case, churn, sut, ear)
    sut.kill()
    sound(sut.look("journal", "ixfr-journal", "journal", "--json", "verify"))
    sut.environment = {}
    sut.start()
    assert churn.check(sut.at()) == churn.serial
    check_served_is_kept(churn, sut)


def check_served_is_kept(churn, sut):
    journal = Journal(sut)
    assert journal.export(APEX, str(churn.serial)) == whole(
        churn, churn.serial)


MEGABYTE = 17  # texts of 60,000 octets


@test(needs=NEEDS, limit=120)
def a_change_that_is_too_large_for_the_journal_is_served_all_the_same(case):
    apex = "fake.test."

    def texts(serial, count):
        part = '"%s"' % (("%d " % serial) * 255)[:255]
        return [rr("t%d.%s TXT %s" % (i, apex, " ".join([part] * 235)))
                for i in range(count)]
    fixed = [rr("fake.test. NS ns1.fake.test."),
             rr("ns1.fake.test. A 192.0.2.1")]
    fake = FakePrimary(case, apex)
    fake.axfr = fake.ixfr = lambda req: req.messages(
        [fake.soa()] + fake.records + [fake.soa()], per=1)
    fake.records = fixed
    sut = case.server("secondaryd")
    sut.follow(apex, [fake.peer()])
    # Of these 16 MB, 12 are for versions.
    sut.add_module("journal", "ixfr-journal", "journal:\n  max-size: 16M\n")
    sut.start()
    sut.wait_serial(apex, 1)
    for serial in (2, 3):
        fake.records = fixed + texts(serial, 5 * MEGABYTE)
        fake.serial = serial
        sut.ctl("refresh", apex)
        sut.wait_serial(apex, serial)
    # To undo and do 5 MB is too much; 5 MB as a whole are not.
    sut.wait_log("changes are not kept: .*no space")
    sut.wait_log("all is well again: changes are kept", timeout=20)
    journal = Journal(sut)
    case.wait_until(lambda: not journal.ask(
        "export", apex, "3", check=False).startswith("secondaryctl"), 20,
                    "version 3 to be whole")
    assert journal.export(apex, "3") == parsed([fake.soa()] + fake.records)
    sound(journal.ask("--json", "verify"))
    assert list(journal.versions(apex).values())[-1]["beginning"]
