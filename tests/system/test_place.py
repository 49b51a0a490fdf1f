# SPDX-License-Identifier: BSD-2-Clause
"""Keys put into other servers, which are real ones: the witness asks."""
import base64
import glob
import grp
import os
import pwd
import re
import secrets
import threading
import time

from lib import dnsq
from lib.case import test
from lib.managed import A, APEX, B, NEEDS, SERVERS, ManagedNsd, key
from lib.process import find_program
from lib.servers import write_private

HEAD = "# written by secondaryd; do not edit\n"
OK, EMALF, EIO, EBUSY, ECLOSED = 0, -3, -6, -13, -14  # secondaryd/error.h


def new_secret():
    """32 plain characters: the octets of a secret, as the witness has them."""
    return secrets.token_hex(16)


class Placer:
    """secondaryd with the witness, which is told to place keys."""

    def __init__(self, case, places, **kw):
        self.case = case
        self.sut = case.server("secondaryd", **kw)
        if not os.path.exists(os.environ.get("SECD_WITNESS", "")):
            case.skip("the witness is not built")
        out = ["place:"]
        for name, (adapter, settings) in places.items():
            out += ["  - id: " + name, "    adapter: " + adapter]
            for k, v in settings.items():
                out.append("    %s: %s" % (
                    k, v if isinstance(v, int) or v[:1] in '["'
                    else '"%s"' % v))
        write_private(self.sut.p("witness.conf"), "\n".join(out) + "\n")
        self.sut.extra = 'module:\n  - id: witness\n    file: "%s"\n' \
            '    config: "%s"' % (os.environ["SECD_WITNESS"],
                                  self.sut.p("witness.conf"))
        self.count = 0

    def calls(self):
        with open(self.sut.p("state", "modules", "witness", "calls")) as f:
            return f.read()

    def ask(self, name, pairs, *more):
        """Ask for keys, and do not wait; the number of the placement."""
        path = self.sut.p("wanted")
        write_private(path, "".join("%s %s\n" % p for p in pairs))
        self.sut.ctl("witness", "place", name, path, *more)
        self.count += 1
        return self.count

    def end_of(self, number, timeout=40):
        """What came of it: (code, needs restart, sentence)."""
        m = self.case.wait_until(
            lambda: re.search(r"^placed %d (-?\d+) restart (\d): (.*)$"
                              % number, self.calls(), re.M), timeout,
            "placement %d to end" % number)
        return int(m[1]), int(m[2]), m[3]

    def place(self, name, a, b, *more):
        return self.end_of(self.ask(name, [(A, a), (B, b)], *more))


def managed(case, kind, cls=None, **settings):
    """A server whose keys were placed before it started."""
    server = (cls or SERVERS[kind])(case)
    server.write_config()
    placer = Placer(case, {"it": (server.adapter,
                                  server.settings(**settings))})
    placer.sut.start()
    a, b = new_secret(), new_secret()
    if kind == "confdb":
        server.start()
        done = placer.place("it", a, b)
        assert done == (OK, 0, "knotd has taken 2 keys"), done
    else:
        code, _, said = placer.place("it", a, b)
        assert code == ECLOSED and "it has the keys when it starts" in said, said
        server.start()
    assert server.takes(key(A, a)) and server.takes(key(B, b))
    return server, placer, a, b


class Load:
    """Signs queries and transfers with one key, all the time.

    A connection that NSD's reload resets before it has read the query is no
    refusal: it does so at any reload.
    """

    def __init__(self, server, k):
        self.server, self.key = server, k
        self.good, self.resets, self.bad = 0, 0, []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(f,))
                        for f in (self._ask, self._transfer)]
        for t in self.threads:
            t.start()

    def _ask(self):
        r = dnsq.ask(self.server.at(), APEX, "SOA", key=self.key)
        if r.rcode() != 0:
            raise RuntimeError("rcode %d" % r.rcode())

    def _transfer(self):
        dnsq.axfr(self.server.at(), APEX, key=self.key)

    def _run(self, one):
        while not self.stop.is_set():
            try:
                one()
                self.good += 1
            except dnsq.TransferFailed as e:
                if e.rcode is None and "ConnectionReset" in str(e):
                    self.resets += 1
                else:
                    self.bad.append(repr(e))
            except Exception as e:
                self.bad.append(repr(e))
            time.sleep(0.002)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


def replace_often(case, kind):
    server, placer, a, b = managed(case, kind)
    load = Load(server, key(B, b))
    took = []
    for _ in range(20):
        old, a = a, new_secret()
        began = time.monotonic()
        done = placer.place("it", a, b)
        assert done[:2] == (OK, 0), done
        took.append(time.monotonic() - began)
        case.wait_until(lambda: server.takes(key(A, a)), 30,
                        "the new secret of the first slot to be in force")
        assert not server.takes(key(A, old))
    load.end()
    assert not load.bad, load.bad[:5]
    assert load.good > 20, load.good
    assert load.resets < load.good / 20, load.resets
    case.say("%d signed queries and transfers of the other slot meanwhile, %d "
             "connections reset; a placement took %.0f ms, at most %.0f" % (
                 load.good, load.resets, sorted(took)[10] * 1e3,
                 max(took) * 1e3))
    server.restart()
    assert server.takes(key(A, a)) and server.takes(key(B, b))
    assert not server.takes(key(A, old))


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def nsd_has_keys_replaced_20_times_and_refuses_none_of_the_other_slot(case):
    replace_often(case, "nsd")


@test(needs=("secondaryd", "secondaryctl", "named"))
def named_has_keys_replaced_20_times_and_refuses_none_of_the_other_slot(case):
    replace_often(case, "bind")


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def knotd_has_keys_replaced_20_times_and_refuses_none_of_the_other_slot(case):
    replace_often(case, "knot")


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def confdb_has_keys_replaced_20_times_and_refuses_none_of_the_other_slot(case):
    replace_often(case, "confdb")


def spoil(server):
    """Make the configuration wrong in a line that may hold a secret."""
    text = server.config()
    write_private(server.p(server.config_name),
                  text + '\nfrobnicate "do-not-repeat-me";\n')
    return text


def wrong_configuration(case, kind):
    server, placer, a, b = managed(case, kind)
    text = spoil(server)
    with open(server.file) as f:
        before = f.read()
    code, restart, said = placer.place("it", new_secret(), b)
    assert code == EMALF and restart == 0, (code, restart, said)
    assert "refuses" in said and "was not asked" in said, said
    assert server.config_name in said and "do-not-repeat-me" not in said, said
    with open(server.file) as f:
        assert f.read() == before
    assert os.listdir(os.path.dirname(server.file)) == ["keys.conf"]
    assert server.takes(key(A, a)) and server.takes(key(B, b))
    case.say(said.replace(case.dir, "..."))
    write_private(server.p(server.config_name), text)
    a = new_secret()
    done = placer.place("it", a, b)
    assert done[:2] == (OK, 0), done
    case.wait_until(lambda: server.takes(key(A, a)), 30, "the keys to work")


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def nsd_is_not_asked_to_read_a_wrong_configuration(case):
    wrong_configuration(case, "nsd")


@test(needs=("secondaryd", "secondaryctl", "named"))
def named_is_not_asked_to_read_a_wrong_configuration(case):
    wrong_configuration(case, "bind")


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def knotd_is_not_asked_to_read_a_wrong_configuration(case):
    wrong_configuration(case, "knot")


def server_down(case, kind):
    server, placer, a, b = managed(case, kind)
    server.stop()
    old, a = a, new_secret()
    code, _, said = placer.place("it", a, b)
    assert code == ECLOSED and "is not reached" in said, (code, said)
    assert "\n" not in said
    case.say(said.replace(case.dir, "..."))
    server.start()
    if kind == "confdb":
        assert server.takes(key(A, old))
        done = placer.place("it", a, b)
        assert done[:2] == (OK, 0), done
    assert server.takes(key(A, a)) and server.takes(key(B, b))
    assert not server.takes(key(A, old))


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def an_nsd_that_is_down_has_the_keys_when_it_starts(case):
    server_down(case, "nsd")


@test(needs=("secondaryd", "secondaryctl", "named"))
def a_named_that_is_down_has_the_keys_when_it_starts(case):
    server_down(case, "bind")


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def a_knotd_that_is_down_is_said(case):
    server_down(case, "knot")


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def a_confdb_of_a_knotd_that_is_down_is_said(case):
    server_down(case, "confdb")


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def an_nsd_that_failed_to_reconfigure_is_not_told_again(case):
    """It would end: with a check that lets everything pass it comes to that."""
    server, placer, a, b = managed(case, "nsd", check="/bin/true")
    pid = server.program.pid
    text = spoil(server)
    code, restart, said = placer.place("it", new_secret(), b)
    assert code == EBUSY and restart == 1, (code, restart, said)
    case.say(said.replace(case.dir, "..."))
    write_private(server.p("nsd.conf"), text)
    for _ in range(3):
        code, restart, said = placer.place("it", new_secret(), b)
        assert code == EBUSY and restart == 1, (code, restart, said)
        assert server.takes(key(A, a)) and server.takes(key(B, b))
    # Also when we have started anew meanwhile.
    placer.sut.restart()
    placer.count = 0
    os.unlink(placer.sut.p("state", "modules", "witness", "calls"))
    placer.sut.restart()
    a = new_secret()
    code, restart, said = placer.place("it", a, b)
    assert code == EBUSY and restart == 1, (code, restart, said)
    assert server.program.running() and server.program.pid == pid
    # What is in its file is in force after a restart, and then it is told.
    server.restart()
    assert server.takes(key(A, a))
    a = new_secret()
    done = placer.place("it", a, b)
    assert done[:2] == (OK, 0), done
    case.wait_until(lambda: server.takes(key(A, a)), 30, "the keys to work")


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def a_transaction_of_somebody_elses_in_knotd_is_left_alone(case):
    for kind in ("confdb", "knot"):
        server, placer, a, b = managed(case, kind)
        server.control("conf-begin")
        server.control("conf-set", "server.identity", "theirs")
        code, restart, said = placer.place("it", new_secret(), b)
        assert code == EBUSY and restart == 0 and "not ours" in said, said
        assert "theirs" in server.control("conf-diff")
        server.control("conf-abort")
        assert server.takes(key(A, a))
        a = new_secret()
        done = placer.place("it", a, b)
        assert done[:2] == (OK, 0), done
        assert server.takes(key(A, a))


@test(needs=("secondaryd", "secondaryctl", "knotd"))
def keys_that_knotd_does_not_know_are_made(case):
    server, placer, _, _ = managed(case, "confdb")
    done = placer.end_of(placer.ask("it", [("new.xfr.test.", new_secret())]))
    assert done == (OK, 0, "knotd has taken 1 key"), done
    assert "new.xfr.test." in server.control("conf-read", "key.id")


@test(needs=("secondaryd", "secondaryctl", "named"))
def named_reads_its_configuration_once_in_an_interval(case):
    server, placer, a, b = managed(case, "bind", interval="1h")

    def read():
        return server.log_text().count("loading configuration from")

    first = read()
    a = new_secret()
    done = placer.place("it", a, b)
    assert done[:2] == (OK, 0), done
    waiting = []
    for _ in range(5):
        last = new_secret()
        waiting.append(placer.ask("it", [(A, last), (B, b)]))
    assert server.takes(key(A, a)), "they did not wait"
    assert read() == first + 1
    # What must be cut off does not wait, and takes along what does.
    last = new_secret()
    done = placer.place("it", last, b, "urgent")
    assert done[:2] == (OK, 0), done
    for number in waiting:
        assert placer.end_of(number)[:2] == (OK, 0)
    case.wait_until(lambda: server.takes(key(A, last)), 30, "the last keys")
    assert read() == first + 2


def hook(case, text):
    path = os.path.join(case.subdir("hook"), "hook")
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


@test(needs=("secondaryd", "secondaryctl"))
def a_program_has_the_keys_and_says_what_came_of_it(case):
    path = hook(case, 'cat <&3 >"$1"; echo "arguments: $#"; '
                'test "$2" = ok || { echo no >&2; exit 3; }\n')
    out = case.subdir("out") + "/keys"
    placer = Placer(case, {
        "good": ("command", {"program": path,
                             "argument": '[ "%s", "ok" ]' % out}),
        "bad": ("command", {"program": path, "argument": out})})
    placer.sut.start()
    a, b = new_secret(), new_secret()
    assert placer.place("good", a, b) == (OK, 0, path + ": arguments: 2")
    with open(out) as f:
        assert f.read() == "%s hmac-sha256 %s\n%s hmac-sha256 %s\nend\n" % (
            A, key(A, a).secret, B, key(B, b).secret)
    code, restart, said = placer.place("bad", a, b)
    assert (code, restart, said) == (EIO, 0, path + ": exit code 3: no")


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def what_hangs_holds_up_no_other_and_is_ended_with_the_server(case):
    server, _, a, b = managed(case, "nsd")
    path = hook(case, 'echo $$ >"$1"; exec sleep 300\n')
    pid_file = case.subdir("out") + "/pid"
    placer = Placer(case, {
        "nsd": ("nsd", server.settings()),
        "hook": ("command", {"program": path, "argument": pid_file})})
    placer.sut.start()
    placer.ask("hook", [(A, a)])
    case.wait_until(lambda: os.path.exists(pid_file)
                    and open(pid_file).read().strip(), 10, "the hook to run")
    a = new_secret()
    done = placer.place("nsd", a, b)
    assert done[:2] == (OK, 0), done
    case.wait_until(lambda: server.takes(key(A, a)), 30, "the keys to work")
    pid = int(open(pid_file).read())
    began = time.monotonic()
    assert placer.sut.stop() == 0
    assert time.monotonic() - began < 10
    case.wait_until(lambda: not os.path.exists("/proc/%d" % pid), 10,
                    "the hook to be ended")


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def after_kill_9_placements_go_on(case):
    """At assorted moments; the file is whole, NSD serves, the next one works."""
    server, placer, a, b = managed(case, "nsd")
    for i in range(15):
        placer.ask("it", [(A, new_secret()), (B, b)])
        time.sleep(0.003 * i)  # a moment, not a condition
        placer.sut.kill()
        with open(server.file) as f:
            text = f.read()
        assert text.startswith(HEAD) and text.count("secret:") == 2, text
        placer.sut.start()
        a = new_secret()
        placer.count = 0
        os.truncate(placer.sut.p("state", "modules", "witness", "calls"), 0)
        done = placer.place("it", a, b)
        assert done[:2] == (OK, 0), done
        case.wait_until(lambda: server.takes(key(A, a)), 30, "the new keys")
    assert os.listdir(os.path.dirname(server.file)) == ["keys.conf"]


@test(needs=("secondaryd", "secondaryctl"))
def wrong_settings_are_refused_with_their_line(case):
    placer = Placer(case, {
        "typo": ("nsd", {"fil": "/x"}),
        "relative": ("nsd", {"file": "keys.conf"}),
        "missing": ("nsd", {"group": "nsd"}),
        "nowhere": ("nsd", {"file": "/nonexistent/keys.conf"}),
        "other": ("pdns", {})})
    placer.sut.start()
    conf = placer.sut.p("witness.conf")
    with open(conf) as f:
        lines = f.read().splitlines()

    def refused(name, setting, why):
        write_private(placer.sut.p("wanted"), "%s %s\n" % (A, new_secret()))
        said = placer.sut.ctl("witness", "place", name,
                              placer.sut.p("wanted"), check=False)
        at = lines.index("  - id: " + name) + 3
        where = "%s:%d: " % (conf, at) if setting else ""
        assert where + why in said, said

    refused("typo", True, '"fil" is no setting of adapter nsd')
    refused("relative", True, 'file: "keys.conf" is no absolute path')
    refused("missing", True, 'adapter nsd needs "file"')
    refused("nowhere", True, "file: no file can be made in /nonexistent: No "
            "such file or directory")
    refused("other", False, 'there is no adapter "pdns"')


@test(needs=("secondaryd", "secondaryctl", "nsd"))
def the_file_is_for_its_group_alone(case):
    """secondaryd as a user of its own, in a directory that gives the group."""
    if os.geteuid() != 0:
        case.skip("root makes users' directories")
    try:
        user, group = pwd.getpwnam("nobody"), grp.getgrnam("nsd")
    except KeyError:
        case.skip("no user nobody or no group nsd")
    server = ManagedNsd(case)
    server.write_config()
    placer = Placer(case, {"it": ("nsd", server.settings(group="nsd",
                                                         check="/bin/true"))},
                    server={"user": "nobody"})
    directory = os.path.dirname(server.file)
    for path in (case.dir, server.dir, placer.sut.dir):
        os.chmod(path, 0o711)
    os.chown(directory, user.pw_uid, group.gr_gid)
    os.chmod(directory, 0o2750)
    for path in ("state", "run", "keys"):
        os.makedirs(placer.sut.p(path), exist_ok=True)
        os.chown(placer.sut.p(path), user.pw_uid, user.pw_gid)
        os.chmod(placer.sut.p(path), 0o700)
    os.chown(placer.sut.p("witness.conf"), user.pw_uid, user.pw_gid)
    placer.sut.start()
    path = placer.sut.p("run", "wanted")
    write_private(path, "%s %s\n" % (A, new_secret()))
    os.chown(path, user.pw_uid, user.pw_gid)
    placer.sut.ctl("witness", "place", "it", path)
    code, _, said = placer.end_of(1)
    assert code == ECLOSED, said
    st = os.stat(server.file)
    assert (st.st_mode & 0o7777, st.st_uid, st.st_gid) == (
        0o640, user.pw_uid, group.gr_gid), oct(st.st_mode)


class Watch:
    """Looks into what every process was started with, all the time, for
    secrets; what is too short to be seen tells by a wrapper."""

    def __init__(self, case):
        self.dir = case.subdir("watch")
        self.seen, self.looks = set(), 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def wrap(self, program):
        """A program that notes its arguments and environment, then runs."""
        path = os.path.join(self.dir, os.path.basename(program))
        with open(path, "w") as f:
            f.write("#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >>'%s'\n"
                    "exec '%s' \"$@\"\n" % (self.notes, program))
        os.chmod(path, 0o755)
        return path

    @property
    def notes(self):
        return os.path.join(self.dir, "notes")

    def _run(self):
        while not self.stop.is_set():
            for path in glob.glob("/proc/[0-9]*/cmdline") + \
                    glob.glob("/proc/[0-9]*/environ"):
                try:
                    with open(path, "rb") as f:
                        self.seen.add(f.read())
                except OSError:
                    pass
            self.looks += 1

    def end(self):
        self.stop.set()
        self.thread.join()
        with open(self.notes, "rb") as f:
            self.seen.add(f.read())


def canaries(secret):
    """What a secret looks like when it gets out, and pieces of that."""
    raw = secret.encode()
    forms = [raw, base64.b64encode(raw), raw.hex().encode()]
    return forms + [f[i:i + 8] for f in forms for i in range(0, 24, 8)]


def files_below(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()


@test(needs=("secondaryd", "secondaryctl", "nsd", "named", "knotd"))
def a_secret_is_in_the_files_that_are_meant_and_nowhere_else(case):
    watch = Watch(case)
    issued, servers, places = [], {}, {}
    for kind, cls in SERVERS.items():
        s = servers[kind] = cls(case, name=kind)
        settings = s.settings()
        s.write_config()
        if kind != "confdb":
            settings["check"] = watch.wrap(settings.get("check") or {
                "nsd": find_program("nsd-checkconf"),
                "knot": find_program("knotc")}[kind])
        if kind == "bind":
            settings["rndc"] = watch.wrap(find_program("rndc"))
        places[kind] = (s.adapter, settings)
    places["hook"] = ("command", {
        "program": watch.wrap(hook(case, "head -1 <&3\n"))})
    placer = Placer(case, places)
    placer.sut.start()

    def place_all():
        for kind in places:
            pair = new_secret(), new_secret()
            issued.extend(pair)
            placer.place(kind, *pair)

    place_all()
    for s in servers.values():
        s.start()
    for _ in range(4):
        place_all()
    spoil(servers["bind"])
    place_all()
    placer.sut.stop()
    for s in servers.values():
        s.stop()
    watch.end()
    assert watch.looks > 5, watch.looks
    assert any(b"conf-check" in text for text in watch.seen)
    assert any(b"reconfig" in text for text in watch.seen)
    places_for_keys = re.compile(
        r"/(include/keys\.conf|wanted|confdb/data\.mdb)$")
    found, meant = [], 0
    everything = [("a process", text) for text in watch.seen]
    everything += list(files_below(case.dir))
    for where, text in everything:
        for secret in issued:
            if any(c in text for c in canaries(secret)):
                if places_for_keys.search(where):
                    meant += 1
                else:
                    found.append((where, secret))
    assert not found, found[:3]
    assert meant > 0, "the search finds nothing where there is something"
    case.say("%d secrets, %d processes and files searched" % (
        len(issued), len(everything)))
