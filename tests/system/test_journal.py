# SPDX-License-Identifier: BSD-2-Clause
"""ixfr-journal as its operator sees it: what `secondaryctl journal` says is what
the primary served, asked of the server or of the files alone."""
import json
import os
import random
import re
import shutil
import subprocess
import tempfile

from lib import dnsq, servers, wire, zones
from lib.case import test
from lib.fakeprimary import FakePrimary, rr
from lib.secondaryd import module_path, secondaryctl_path

APEX = "fake.test."
RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1"]
NEEDS = ("secondaryd", "secondaryctl", "ixfr-journal.so")


class Journal:
    """The journal of a secondaryd, asked by way of it or without it."""

    def __init__(self, sut, beside=False):
        self.sut, self.beside = sut, beside

    def ask(self, *command, check=True):
        words = ("journal",) + command
        if self.beside:
            return self.sut.look("journal", "ixfr-journal", *words,
                                 check=check)
        return self.sut.ctl(*words, check=check)

    def json(self, *command):
        return json.loads(self.ask("--json", *command))

    def versions(self, apex, *last):
        """{id: version} in their order."""
        found = self.json("list", apex, *last)
        assert [z["zone"] for z in found] == [apex], found
        return {v["id"]: v for v in found[0]["version"]}

    def export(self, apex, version):
        return record_set(self.ask("export", apex, version).splitlines())

    def diff(self, apex, way):
        """(deleted, added)"""
        lines = self.json("diff", apex, way)
        assert all(x[:2] in ("- ", "+ ") for x in lines), lines
        return (record_set(x[2:] for x in lines if x[0] == "-"),
                record_set(x[2:] for x in lines if x[0] == "+"))


def record_set(lines):
    """Lines of a zone file, as a transfer has them."""
    return parsed([rr(x) for x in lines if not x.startswith(";")])


def parsed(octets):
    """Records in wire format, as a transfer has them."""
    found = wire.rrs(octets)
    assert len(set(found)) == len(found), "a record comes twice"
    return set(found)


def following(case, zone, kind, **options):
    primary = case.server(kind, name="primary")
    sut = case.server("secondaryd")
    primary.serve(zone, allow=[servers.allow()], notify=[sut.peer()],
                  **options)
    sut.follow(zone.apex, [primary.peer()])
    sut.add_module("journal", "ixfr-journal")
    primary.start()
    sut.start()
    sut.wait_serial(zone.apex, zone.serial)
    return primary, sut


def following_fake(case, **kw):
    fake = FakePrimary(case, APEX, records=RECORDS, **kw)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    sut.add_module("journal", "ixfr-journal")
    sut.start()
    sut.wait_serial(APEX, fake.serial)
    return fake, sut


def give(sut, fake, serial, *records):
    """Another version, with these records more."""
    fake.records += [rr(x) if isinstance(x, str) else x for x in records]
    fake.serial = serial
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, serial)


def wait_whole(case, sut, apex, versions):
    """The journal has so many versions of a zone, and its base."""
    journal = Journal(sut)

    def is_whole():
        found = journal.ask("--json", "list", apex, check=False)
        return found.count('"id"') == versions and "@" in found and \
            not journal.ask("export", apex, str(sut.serial(apex)),
                            check=False).startswith("secondaryctl")
    case.wait_until(is_whole, 10, "the journal to have %d versions" %
                    versions)


def check_versions(journal, apex, served, how):
    """Each version is what was served, and so is what lies between."""
    versions = journal.versions(apex)
    assert [v["serial"] for v in versions.values()] == list(served), versions
    names = dict(zip(served, versions))
    for i, (serial, records) in enumerate(served.items()):
        v = versions[names[serial]]
        assert v.get("source") == (how if i else None), v
        assert v.get("beginning") == (None if i else True), v
        for name in (str(serial), names[serial]):
            assert journal.export(apex, name) == records, (serial, name)
    for one in served:
        for two in served:
            deleted, added = journal.diff(apex, "%s..%s" % (
                names[one], two))
            assert deleted == served[one] - served[two], (one, two)
            assert added == served[two] - served[one], (one, two)
    verified = journal.json("verify", apex)[0]
    assert verified["sound"] and verified["versions"] == len(served), verified


def same_in_both_ways(sut, apex, serial):
    """Asked of the server and of the files: the same, to the last octet."""
    for command in (("help",), ("list",), ("list", apex), ("list", apex, "2"),
                    ("--json", "show", apex, serial), ("nonsense",),
                    ("--json", "list", apex), ("export", apex, serial),
                    ("export", apex, "@9999"), ("list", "other."),
                    ("--json", "diff", apex, "%s..%s" % (serial, serial)),
                    ("verify",), ("list", apex, "some")):
        one = Journal(sut).ask(*command, check=False)
        two = Journal(sut, True).ask(*command, check=False)
        assert one == two, (command, one, two)


@test(needs=NEEDS + ("{primary}",), primary=("knot", "bind"),
      how=("IXFR", "AXFR"))
def each_version_is_what_the_primary_served(case, primary, how):
    zone = zones.flat("journal.test.", count=100)
    zone.records += zones.types(zone.apex).records[5:]
    zone.records += zones.names(zone.apex).records[5:]
    prim, sut = following(case, zone, primary, ixfr=how == "IXFR")
    rnd = random.Random(3)
    served = {zone.serial: set(dnsq.peer_axfr(prim.at(), zone.apex))}
    for _ in range(4):
        zone = zones.edited(zone, rnd)
        prim.update(zone)
        sut.wait_serial(zone.apex, zone.serial)
        served[zone.serial] = set(dnsq.peer_axfr(prim.at(), zone.apex))
    wait_whole(case, sut, zone.apex, len(served))
    check_versions(Journal(sut), zone.apex, served, how)
    check_versions(Journal(sut, True), zone.apex, served, how)
    same_in_both_ways(sut, zone.apex, str(zone.serial))
    sut.stop()
    check_versions(Journal(sut, True), zone.apex, served, how)


@test(needs=NEEDS + ("signer", "named-checkzone", "kzonecheck"),
      contents=("types", "names", "nsec3"))
def an_export_is_a_zone_file_for_others(case, contents):
    zone = zones.signed(zones.flat("journal.test.", count=50), case.subdir(
        "sign"), nsec3=("aabbccdd", 5)) if contents == "nsec3" else \
        getattr(zones, contents)("journal.test.")
    fake = FakePrimary(case, zone.apex, records=[
        "%s %d %s %s" % r for r in zone.all_records() if r.type != "SOA"])
    sut = case.server("secondaryd")
    sut.follow(zone.apex, [fake.peer()])
    sut.add_module("journal", "ixfr-journal")
    sut.start()
    sut.wait_serial(zone.apex, 1)
    wait_whole(case, sut, zone.apex, 1)
    text = Journal(sut).ask("export", zone.apex, "1")
    path = sut.p("export.zone")
    with open(path, "w") as f:
        f.write(text)
    assert re.match(r"; journal\.test\. serial 1, version @\d+ of "
                    r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", text), text[:200]
    assert text.endswith("; %d records\n" % (len(fake.records) + 1)), \
        text[-200:]
    for check in (["named-checkzone", "-i", "local", "-k", "ignore",
                   zone.apex, path], ["kzonecheck", "-o", zone.apex, path]):
        p = subprocess.run(check, stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.STDOUT, timeout=20)
        assert p.returncode == 0, (check, p.stdout)


@test(needs=NEEDS)
def a_version_has_a_name_when_its_serial_comes_again(case):
    fake, sut = following_fake(case)
    journal = Journal(sut)
    give(sut, fake, 2, "two.fake.test. A 192.0.2.2")
    give(sut, fake, 3, "three.fake.test. A 192.0.2.3")
    fake.records, fake.serial = fake.records[:-2], 2
    fake.records.append(rr("again.fake.test. A 192.0.2.4"))
    sut.ctl("retransfer", "--force", APEX)
    sut.wait_serial(APEX, 2)
    wait_whole(case, sut, APEX, 4)
    versions = journal.versions(APEX)
    assert [v["serial"] for v in versions.values()] == [1, 2, 3, 2], versions
    first, last = [n for n, v in versions.items() if v["serial"] == 2]
    text = journal.ask("export", APEX, "2")
    assert "again" in text and "version %s of" % last in text, text
    text = journal.ask("export", APEX, first)
    assert "two" in text and "again" not in text, text
    show = journal.json("show", APEX, first)[0]
    assert (show["version"], show["serial"]) == (first, 2), show
    assert journal.diff(APEX, "%s..%s" % (first, last)) == (
        record_set(["two.fake.test. 3600 A 192.0.2.2"]),
        record_set(["again.fake.test. 3600 A 192.0.2.4"]))


@test(needs=NEEDS)
def what_a_person_sees_is_aligned(case):
    fake, sut = following_fake(case)
    give(sut, fake, 2000000002, "two.fake.test. A 192.0.2.2")
    wait_whole(case, sut, APEX, 2)
    moment = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    said = Journal(sut).ask("list", APEX)
    assert re.fullmatch(
        r"fake\.test\.\n"
        r"    version      serial  at                    source  from-serial"
        r"  deleted  added  octets\n"
        r"    @1                1  %s  -                 -        -      - "
        r"      -  beginning\n"
        r"    @2       2000000002  %s  AXFR              1        0      1 "
        r"    1\d\d\n" % (moment, moment), said), said
    said = Journal(sut).ask("show", APEX, "@2")
    assert re.fullmatch(
        r"fake\.test\.\n"
        r"    version         @2\n"
        r"    serial          2000000002\n"
        r"    at              \d+ s ago \(%s\)\n"
        r"    source          AXFR\n"
        r"    from-serial     1\n"
        r"    deleted         0\n"
        r"    added           1\n"
        r"    octets          1\d\d\n"
        r"    primary         127\.0\.0\.1@%d\n"
        r"    primary-id      r0\n"
        r"    transport       TCP\n"
        r"    signed          off\n"
        r"    digest          [0-9a-f]{64}\n" % (moment, fake.port),
        said), said
    said = Journal(sut).ask("list")
    assert re.fullmatch(
        r"    zone        versions  octets  oldest-at             newest-at"
        r"             newest-serial\n"
        r"    fake\.test\.         2     \d\d\d  %s  %s     2000000002\n" % (
            moment, moment), said), said
    said = sut.ctl("module-status")
    for line in ("module journal", "    zones           1",
                 "    versions        2", "    durable         on"):
        assert line in said.splitlines(), said


@test(needs=NEEDS)
def what_is_long_comes_whole(case):
    fake, sut = following_fake(case)
    # A record leaves little room for others in its message.
    fake.axfr = fake.ixfr = lambda req: req.messages(
        [fake.soa()] + fake.records + [fake.soa()], per=20)
    strings = " ".join('"%s"' % ("\\255" * 255) for _ in range(230))
    many = ["h%05d.fake.test. A 192.0.2.9" % i for i in range(5000)]
    give(sut, fake, 2, "long.fake.test. TXT " + strings, *many)
    wait_whole(case, sut, APEX, 2)
    for beside in (False, True):
        journal = Journal(sut, beside)
        text = journal.ask("export", APEX, "2")
        assert max(len(x) for x in text.splitlines()) > 230000
        assert record_set(text.splitlines()) == parsed(
            fake.records + [fake.soa()])
        deleted, added = journal.diff(APEX, "1..2")
        assert (len(deleted), len(added)) == (1, 5002)
        assert not [x for x in journal.json("diff", APEX, "2..1")
                    if x.startswith("+ ") and " SOA " not in x]


@test(needs=NEEDS)
def many_zones_and_versions_are_listed(case):
    fake, sut = following_fake(case)
    for serial in range(2, 151):
        give(sut, fake, serial)
    others = ["z%02d.test." % i for i in range(70)]
    primaries = []
    for apex in others[:3]:
        primaries.append(FakePrimary(case, apex, records=[
            x.replace("fake.test.", apex) for x in RECORDS]))
        sut.follow(apex, [primaries[-1].peer()])
    sut.reload()
    for apex in others[:3]:
        sut.wait_serial(apex, 1)
    wait_whole(case, sut, APEX, 150)
    for beside in (False, True):
        journal = Journal(sut, beside)
        assert [v["serial"] for v in journal.versions(APEX).values()] == \
            list(range(1, 151))
        for last in (1, 2, 130, 149, 150, 151, 10**15):
            found = [v["serial"] for v in
                     journal.versions(APEX, str(last)).values()]
            assert found == list(range(max(1, 151 - last), 151)), found
        found = {z["id"]: z["versions"] for z in journal.json("list")[0][
            "zone"]}
        assert found == dict({APEX: 150}, **{x: 1 for x in others[:3]}), found


@test(needs=NEEDS)
def orders_are_for_the_running_server(case):
    fake, sut = following_fake(case)
    give(sut, fake, 2)
    wait_whole(case, sut, APEX, 2)
    for order in (("pin", APEX, "1"), ("unpin", APEX)):
        said = Journal(sut, True).ask(*order, check=False)
        assert said == ("secondaryctl: %s needs the running server: here the "
                        "journal is only read\n" % order[0]), said


@test(needs=NEEDS)
def what_is_no_journal_is_told_in_a_sentence(case):
    fake, sut = following_fake(case)
    wait_whole(case, sut, APEX, 1)
    sut.stop()
    path = sut.p("state", "modules", "journal", "journal.mdb")

    def says(what):
        said = Journal(sut, True).ask("list", check=False)
        assert said == "secondaryctl: %s\n" % what, said

    with open(path, "rb") as f:
        whole = f.read()
    assert whole.count(b"format\0\0\0\1") > 0
    for octets, what in (
            (whole.replace(b"format\0\0\0\1", b"format\0\0\0\2"),
             "a journal of a format that is not known here"),
            (b"x" * 4096 + whole[4096:], "not a journal"),
            (b"", "not a journal")):
        with open(path, "wb") as f:
            f.write(octets)
        says("%s: %s" % (path, what))
    shutil.copy(sut.p("state", "store.mdb"), path)
    says(path + ": not a journal")
    os.unlink(path)
    says(path + ": No such file or directory")
    shutil.rmtree(os.path.dirname(path))
    says(os.path.dirname(path) + ": No such file or directory")


@test(needs=NEEDS)
def damage_is_told_of_the_zone_that_has_it(case):
    fake, sut = following_fake(case)
    other = FakePrimary(case, "other.test.", records=[
        x.replace("fake", "other") for x in RECORDS])
    sut.follow("other.test.", [other.peer()])
    sut.reload()
    sut.wait_serial("other.test.", 1)
    wait_whole(case, sut, APEX, 1)  # the base is version 1
    give(sut, fake, 2, "two.fake.test. A 192.0.2.2")
    give(sut, fake, 3, "three.fake.test. A 192.0.2.3")
    wait_whole(case, sut, APEX, 3)
    sut.stop()
    path = sut.p("state", "modules", "journal", "journal.mdb")
    with open(path, "rb") as f:
        octets = f.read()
    assert octets.count(b"\3two\4fake") > 0
    with open(path, "wb") as f:
        f.write(octets.replace(b"\3two\4fake", b"\3twx\4fake"))
    journal = Journal(sut, True)
    said = journal.ask("--json", "verify", check=False)
    assert '"sound":false,"damage":"version @2: its step is damaged"' in said
    assert '"zone":"other.test.","sound":true' in said, said
    assert '"zones":2,"damaged":1' in said, said
    assert said.endswith("secondaryctl: the journal is damaged: see above\n]\n")
    for command in (("diff", APEX, "1..2"), ("export", APEX, "2")):
        assert journal.ask(*command, check=False).endswith(
            "secondaryctl: what is kept of it is damaged, or cannot be read: "
            "see verify\n"), command
    # What does not need it is there.
    assert journal.diff(APEX, "2..3")[1] == record_set([
        "three.fake.test. 3600 A 192.0.2.3"]) | {
            x for x in journal.diff(APEX, "2..3")[1] if x.type == 6}
    assert "192.0.2.1" in journal.ask("export", APEX, "1")
    assert len(journal.versions(APEX)) == 3


class Copy:
    """A journal and what reads it, where others come, too."""

    def __init__(self, case, sut, lock="0600"):
        if os.geteuid() != 0:
            case.skip("only root can become somebody else")
        self.base = tempfile.mkdtemp(prefix="secondaryd-journal-", dir="/tmp")
        self.dir = os.path.join(self.base, "journal")
        self.lock = self.file("journal.mdb-lock")
        os.chmod(self.base, 0o755)
        shutil.copy(secondaryctl_path(), self.base)
        shutil.copy(module_path("ixfr-journal"), self.base)
        shutil.copytree(sut.p("state", "modules", "journal"), self.dir)
        os.chmod(self.dir, 0o755)
        os.chmod(self.file("journal.mdb"), 0o644)
        if lock == "none":
            os.unlink(self.lock)
        else:
            os.chmod(self.lock, int(lock, 8))

    def file(self, name):
        return os.path.join(self.dir, name)

    def look(self, wrapper, *command):
        """secondaryctl --dir below a wrapper: (exit status, what it says)."""
        p = subprocess.run(
            list(wrapper) + [os.path.join(self.base, "secondaryctl"), "--dir",
                             self.dir, "--module", self.base, "journal"] +
            list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=20)
        return p.returncode, p.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.base)


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
READ_ONLY = ("unshare", "-m", "sh", "-c", 'd=$3; mount --bind "$d" "$d" && '
             'mount -o remount,ro,bind "$d" && exec "$@"', "sh")


@test(needs=NEEDS + ("setpriv",), lock=("0600", "0644", "0666", "none"))
def who_may_not_write_may_read(case, lock):
    fake, sut = following_fake(case)
    give(sut, fake, 2)
    wait_whole(case, sut, APEX, 2)
    sut.stop()
    with Copy(case, sut, lock) as copy:
        files = sorted(os.listdir(copy.dir))
        code, said = copy.look(NOBODY, "verify", APEX)
        assert code == 0 and "sound           on" in said, (code, said)
        # Where there is no lock file there is no writer to be warned of.
        warned = "secondaryctl: journal: read without a lock: %s: Permission " \
            "denied: a server that writes there" % copy.lock
        assert said.startswith(warned) == (lock in ("0600", "0644")), said
        assert sorted(os.listdir(copy.dir)) == files


@test(needs=NEEDS + ("unshare",))
def a_read_only_file_system_is_read(case):
    fake, sut = following_fake(case)
    wait_whole(case, sut, APEX, 1)
    sut.stop()
    with Copy(case, sut) as copy:
        code, said = copy.look(READ_ONLY, "list", APEX)
        if "mount:" in said or "unshare:" in said:
            case.skip("this machine lets nobody mount")
        assert code == 0 and "beginning" in said, (code, said)
        assert "Read-only file system: a server that writes" in said, said


@test(needs=NEEDS + ("setpriv",))
def who_may_not_read_is_told(case):
    fake, sut = following_fake(case)
    wait_whole(case, sut, APEX, 1)
    sut.stop()
    with Copy(case, sut) as copy:
        path = copy.file("journal.mdb")
        os.chmod(path, 0o600)
        assert copy.look(NOBODY, "list") == (
            3, "secondaryctl: %s: Permission denied\n" % path)
        os.chmod(copy.dir, 0o700)
        assert copy.look(NOBODY, "list") == (
            3, "secondaryctl: %s: Permission denied\n" % copy.dir)


@test(needs=NEEDS)
def root_reads_as_the_owner_and_leaves_nothing_behind(case):
    fake, sut = following_fake(case)
    wait_whole(case, sut, APEX, 1)
    sut.stop()
    with Copy(case, sut, "none") as copy:
        os.chmod(copy.dir, 0o700)
        for name in ("", "journal.mdb"):
            os.chown(copy.file(name), 65534, 65534)
        code, said = copy.look((), "verify", APEX)
        assert code == 0 and "sound           on" in said, (code, said)
        assert os.listdir(copy.dir) == ["journal.mdb"]
        os.chown(copy.file("journal.mdb"), 0, 0)
        os.chmod(copy.file("journal.mdb"), 0o600)
        assert copy.look((), "list") == (
            3, "secondaryctl: %s: Permission denied\n" %
            copy.file("journal.mdb"))


@test(needs=NEEDS)
def a_zone_that_was_away_goes_on_behind_its_history(case):
    fake, sut = following_fake(case)
    journal = Journal(sut)
    give(sut, fake, 2, "w2.fake.test. A 192.0.2.2")
    zone = sut.zones.pop(APEX)
    sut.follow("other.test.", [fake.peer()])
    sut.reload()
    sut.wait_log(r"zone fake\.test\.: removed")
    assert list(journal.versions(APEX)) == ["@1", "@2"]
    sut.zones[APEX] = zone
    mark = len(sut.log_text())
    sut.reload()
    sut.wait_log(r"zone fake\.test\.: AXFR from", after=mark)
    give(sut, fake, 3, "w3.fake.test. A 192.0.2.3")
    case.wait_until(lambda: "@4" in journal.versions(APEX), 10,
                    "the version behind them")
    versions = journal.versions(APEX)
    assert list(versions) == ["@1", "@2", "@3", "@4"], versions
    assert [v["serial"] for v in versions.values()] == [1, 2, 2, 3], versions
    case.wait_until(lambda: journal.ask("export", APEX, "@1", check=False)
                    .startswith(";"), 10, "the base of the first run")
    assert len(journal.export(APEX, "@1")) == 3


@test(needs=("secondaryd", "secondaryctl"), module=(
    ("ixfr-journal", "zone:\n  - id: default\n    max-steps: many\n",
     r"m\.options:3: max-steps: not a value"),
    ("ixfr-journal", "journal:\n  max-size: 16M\nzones:\n  - id: a.\n",
     r'm\.options:3: there is no section "zones"'),
    ("tsig-rotate", "pair:\n  - id: p1\n    no-such: 1\n",
     r"m\.options:3: .*no-such"),
    ("tsig-rotate", "", r"there is no pair")))
def options_that_a_module_refuses_are_found_before_it_starts(case, module):
    name, text, why = module
    good, sut = case.server("secondaryd", name="good"), \
        case.server("secondaryd", name="bad")
    sut.add_module("m", name, text)
    code, said = sut.check()
    assert code != 0 and re.search("module m: .*" + why, said), (code, said)
    assert not os.path.exists(sut.p("state", "modules")), said
    if name != "ixfr-journal":
        return
    good.add_module("m", name, "zone:\n  - id: default\n    max-steps: 90\n")
    code, said = good.check()
    assert code == 0, said
    good.start()
    with open(good.p("m.options"), "w", encoding="ascii") as f:
        f.write(text)
    said = good.ctl("reload", check=False)
    assert re.search("module m: .*" + why, str(said)), said
    assert good.log_text().count("the old configuration stays") == 1
