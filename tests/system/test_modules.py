# SPDX-License-Identifier: BSD-2-Clause
"""Modules in secondaryd: what they hear, and what the operator sees."""
import os
import re
import subprocess

from lib.case import test
from lib.fakeprimary import FakePrimary

APEX = "fake.test."
RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
           "www.fake.test. A 192.0.2.2"]


def witness():
    """The module of tests, if it was built."""
    return os.environ.get("SECD_WITNESS", "")


def module(case, sut, fail=""):
    if not os.path.exists(witness()):
        case.skip("the witness is not built")
    sut.extra = ('module:\n  - id: witness\n    file: "%s"' % witness())
    if fail:
        with open(sut.p("witness.conf"), "w") as f:
            f.write("witness:\n  fail: %s\n" % fail)
        sut.extra += '\n    config: "%s"' % sut.p("witness.conf")


def following(case, fail=""):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    module(case, sut, fail)
    sut.start()
    sut.wait_serial(APEX, 1)
    return fake, sut


def calls(sut):
    with open(sut.p("state", "modules", "witness", "calls")) as f:
        return f.read().splitlines()


def heard(case, sut, what):
    case.wait_until(lambda: any(re.match(what, c) for c in calls(sut)), 10,
                    "the module to hear " + what)


@test(needs=("secondaryd", "secondaryctl"))
def a_module_hears_of_each_version_and_of_the_start_with_it(case):
    fake, sut = following(case)
    heard(case, sut, r"published fake\.test\. 1 serial 1")
    assert calls(sut)[:5] == [
        "open", "zone-added fake.test. 0", "ready",
        "change fake.test. 0 -> 1 serial 0 -> 1 -0 +0 from r0 walk 4",
        "commit"], calls(sut)
    fake.records.append(fake.records[-1].replace(b"\x03www", b"\x03new"))
    fake.serial = 2
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 2)
    heard(case, sut, r"published fake\.test\. 2 serial 2")
    assert ("change fake.test. 1 -> 2 serial 1 -> 2 -0 +1 from r0 walk 5"
            in calls(sut)), calls(sut)
    sut.restart()
    heard(case, sut, r"zone-added fake\.test\. 2")
    assert calls(sut).count("close") == 1, calls(sut)


@test(needs=("secondaryd", "secondaryctl"))
def the_operator_sees_modules_and_talks_to_them(case):
    _, sut = following(case)
    said = sut.ctl("module-status")
    for word in ("witness", "running", "ticking"):
        assert word in said, said
    assert sut.ctl("witness", "one", "two three").splitlines()[:2] == [
        "one", "two three"]
    assert '"one",\n"two"' in sut.ctl("--json", "witness", "one", "two")
    said = sut.ctl("nonsense", check=False)
    assert 'unknown command "nonsense"' in str(said), said


@test(needs=("secondaryd",))
def a_module_that_cannot_open_stops_the_start_with_a_sentence(case):
    sut = case.server("secondaryd")
    sut.follow(APEX, [FakePrimary(case, APEX, records=RECORDS).peer()])
    module(case, sut, "open")
    sut.write_config()
    p = subprocess.run(sut.argv(), stdout=subprocess.PIPE, text=True,
                       stderr=subprocess.STDOUT, timeout=20)
    assert p.returncode == 1, p.returncode
    assert ("module witness: %s:2: it is told to fail" % sut.p("witness.conf")
            in p.stdout), p.stdout
    sut.extra = 'module:\n  - id: gone\n    file: /nonexistent/gone.so'
    code, said = sut.check()
    assert code != 0 and "module gone: /nonexistent/gone.so" in said, said


@test(needs=("secondaryd", "secondaryctl"))
def serving_goes_on_when_a_module_fails(case):
    fake, sut = following(case, "[ change, commit ]")
    for serial in (2, 3):
        fake.serial = serial
        sut.ctl("refresh", APEX)
        sut.wait_serial(APEX, serial)
    case.wait_until(lambda: "failing" in sut.ctl("module-status"), 10,
                    "the failure to be shown")
    assert '"modules":1,"modules-failing":1' in sut.ctl("--json", "status")
    heard(case, sut, r"published fake\.test\. 3 serial 3")


@test(needs=("secondaryd", "secondaryctl"))
def another_set_of_modules_takes_a_restart(case):
    _, sut = following(case)
    sut.extra = ""
    sut.write_config()
    said = sut.ctl("reload", check=False)
    assert "needs a restart" in str(said), said
    module(case, sut)
    sut.write_config()
    sut.ctl("reload")
    heard(case, sut, "reloaded")


@test(needs=("secondaryd", "secondaryctl"))
def after_kill_9_a_module_is_not_behind_what_is_stored(case):
    fake, sut = following(case)
    for serial in range(2, 12):
        fake.serial = serial
        sut.ctl("refresh", APEX)
        sut.wait_serial(APEX, serial)
        sut.kill()
        sut.start()
        stored = [int(c.split()[2]) for c in calls(sut)
                  if c.startswith("zone-added")][-1]
        offered = [int(c.split()[4]) for c in calls(sut)
                   if c.startswith("change")]
        assert stored == 0 or stored in offered, calls(sut)


@test(needs=("secondaryd", "secondaryctl", "ixfr-journal.so"))
def the_journal_keeps_every_version(case):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    sut.add_module("journal", "ixfr-journal")
    sut.start()
    sut.wait_serial(APEX, 1)
    for serial in (2, 3, 4):
        fake.records.append(fake.records[2].replace(b"\x03www",
                                                    b"\x03ww%d" % serial))
        fake.serial = serial
        sut.ctl("refresh", APEX)
        sut.wait_serial(APEX, serial)
        if serial == 3:
            sut.restart()
    case.wait_until(lambda: re.search(r"^ +@\d+ +4 ", sut.ctl(
        "journal", "list", APEX), re.M), 10, "the journal to have serial 4")
    case.wait_until(lambda: "ww2" in sut.ctl("journal", "export", APEX, "2"),
                    10, "the journal to have a whole version")
    two = sut.ctl("journal", "export", APEX, "2")
    assert "ww2" in two and "ww3" not in two, two
    assert "ww4" in sut.ctl("journal", "export", APEX, "4")
    difference = sut.ctl("journal", "diff", APEX, "2..4")
    assert re.search(r"^\+ ww3\.fake\.test\. 3600 A ", difference, re.M), difference
    assert re.search(r"^- fake\.test\. 3600 SOA ", difference, re.M), difference
    assert "sound" in sut.ctl("journal", "verify", APEX)
