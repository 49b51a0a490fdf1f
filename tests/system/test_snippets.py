# SPDX-License-Identifier: BSD-2-Clause
"""The files of conf.d/secondaryd are dropped in as their comments say."""
import os
import pwd
import re
import subprocess

from lib import servers, zones
from lib.case import test
from lib.secondaryd import Secondaryd
from lib.servers import write_private
from lib.snippets import all_of, place, read, with_other_server

MAIN = "secondaryd.conf"
NAMES = all_of()
DROPPED = [n for n in NAMES if n != MAIN]
OTHERS = ["knot", "named", "nsd"]


def check(case, names, edit=lambda text: text):
    """secondaryd -t, with the main file as it is but for what is this
    machine's: its user, and directories."""
    directory = case.subdir("etc")
    place(case, directory, names, edit)
    main = read(MAIN)
    for pattern, here in ((r"(user:) +\w+", pwd.getpwuid(
            os.getuid()).pw_name), (r"(storage:) +\S+", directory + "/state"),
            (r"(rundir:) +\S+", directory + "/run")):
        main, count = re.subn(pattern, r"\1 " + here, main)
        assert count == 1, pattern
    write_private(os.path.join(directory, MAIN), main)
    p = subprocess.run(
        [Secondaryd.path(), "-t", "-c", os.path.join(directory, MAIN)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=20)
    assert p.returncode == 0 and "no errors" in p.stdout, p.stdout
    assert not re.search("warning(?!: running as root)", p.stdout), p.stdout


@test(needs=("secondaryd",), name=DROPPED)
def each_snippet_is_a_configuration(case, name):
    # A zone is wanted by whatever is about zones.
    check(case, sorted({name, "minimal.conf"}))


@test(needs=("secondaryd",))
def all_snippets_go_together(case):
    check(case, DROPPED)


@test(needs=("secondaryd",))
def the_rotation_snippet_has_another_server_in_comments(case):
    found = with_other_server(read("rotation.conf"))
    assert found.count("- id: p2") == 4 and found.count("module: rotate") == 4
    found = with_other_server(read("rotation.options"))
    assert found.count("- id: p2") == 2 and "\nplace:\n" in found, found
    check(case, ["minimal.conf", "rotation.conf"], with_other_server)


def begins_with_what_it_is_for(text, name):
    lines = text.splitlines()
    assert lines[:2] == ["# SPDX-License-Identifier: BSD-2-Clause", "#"], lines
    assert lines[2].startswith("# %s: " % name), lines[2]
    comment = "\n".join(lines[:lines.index("", 2)])
    for part in ("# What it is for: ", "# What to change: ",
                 "# How to see that it works:"):
        assert part in comment, (name, part)


@test(needs=("secondaryd",), name=NAMES)
def each_snippet_begins_with_what_it_is_for(case, name):
    begins_with_what_it_is_for(read(name), name)


@test(needs=(), server=OTHERS)
def so_does_each_snippet_for_another_server(case, server):
    assert all_of(server)
    for name in all_of(server):
        begins_with_what_it_is_for(read(name, server), name)


@test(needs=("secondaryd", "secondaryctl", "knot", "ixfr-journal.so"))
def the_journal_snippet_makes_a_server_keep_what_it_has(case):
    zone = zones.flat("example.com.", count=10)
    primary = case.server("knot", name="primary")
    sut = case.server("secondaryd")
    place(case, sut.p("etc"), ["journal.conf"])
    sut.extra = 'include: "%s/*.conf"' % sut.p("etc", "conf.d")
    primary.serve(zone, allow=[servers.allow()], notify=[sut.peer()])
    sut.follow(zone.apex, [primary.peer()])
    primary.start()
    sut.start()
    sut.wait_serial(zone.apex, 1)
    for serial in (2, 3):
        zone = zone.copy(serial)
        zone.add("h%d" % serial, "A", "192.0.2.%d" % serial)
        primary.update(zone)
        sut.wait_serial(zone.apex, serial)
    case.wait_until(lambda: "    versions        3\n" in sut.ctl(
        "module-status"), 10, "the journal to have three versions")
    status = sut.ctl("module-status")
    for line in ("module journal", "    name            ixfr-journal",
                 "    state           running", "    durable         on",
                 "    max-octets      %d" % (16 << 30)):
        assert line in status.splitlines(), status
    assert "example.com." in sut.ctl("journal", "list")
    assert re.search(r"^\+ h3\.example\.com\. 3600 A 192\.0\.2\.3$", sut.ctl(
        "journal", "diff", zone.apex, "1..3"), re.M)
    assert os.path.isdir(sut.p("state", "modules", "journal"))
