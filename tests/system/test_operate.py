# SPDX-License-Identifier: BSD-2-Clause
"""What the operator does and sees: secondaryctl, reload, bad configuration."""
import datetime
import json
import os
import pwd
import re
import socket
import struct
import threading
import time

from lib import dnsq, servers, wire, zones
from lib.case import test
from lib.fakeprimary import FakePrimary, rr
from lib.servers import write_private

APEX = "fake.test."
RECORDS = ["fake.test. NS ns1.fake.test.", "ns1.fake.test. A 192.0.2.1",
           "www.fake.test. A 192.0.2.2"]


def following(case, **kw):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd", **kw)
    sut.follow(APEX, [fake.peer()])
    sut.start()
    sut.wait_serial(APEX, 1)
    return fake, sut


@test(needs=("secondaryd", "secondaryctl"))
def status_and_zone_status_tell_what_an_operator_asks(case):
    fake, sut = following(case)
    status = sut.ctl("status")
    assert "zone" in status, status
    one = sut.ctl("zone-status", APEX)
    for word in ("fake.test", "serial", "1", "AXFR", "next", "expire",
                 "%s@%d" % (fake.address, fake.port)):
        assert word in one, (word, one)
    assert "fake.test" in sut.ctl("zone-status")


@test(needs=("secondaryd", "secondaryctl"))
def refresh_asks_at_once(case):
    fake, sut = following(case)
    fake.serial = 2
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 2)


@test(needs=("secondaryd", "secondaryctl"))
def retransfer_takes_the_zone_whole_also_when_its_serial_is_the_same(case):
    fake, sut = following(case)
    fake.records.append(fake.records[-1].replace(b"\x03www", b"\x03new"))
    sut.ctl("retransfer", APEX)
    case.wait_until(lambda: dnsq.addresses(sut.at(), "new." + APEX)
                    == ["192.0.2.2"], 10, "the new contents")
    assert fake.count("AXFR") == 2


@test(needs=("secondaryd", "secondaryctl"))
def only_a_forced_retransfer_takes_an_older_serial(case):
    fake, sut = following(case)
    fake.serial = 9
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 9)
    fake.serial = 4
    sut.ctl("retransfer", APEX, check=False)
    sut.ctl("refresh", APEX, check=False)
    case.wait_until(lambda: re.search(r"(?i)stale|older",
                                      sut.status_of(APEX)), 10,
                    "the status to say that the primary is older")
    assert sut.serial(APEX) == 9
    sut.ctl("retransfer", "--force", APEX)
    sut.wait_serial(APEX, 4)


@test(needs=("secondaryd", "secondaryctl"))
def unknown_commands_and_zones_are_refused(case):
    _, sut = following(case)
    for command in (("zone-status", "nowhere.test."), ("nonsense",),
                    ("refresh", "nowhere.test."), ("refresh", "a..b")):
        try:
            said = sut.ctl(*command)
        except AssertionError:
            continue
        raise AssertionError("%s was obeyed: %s" % (command, said))


@test(needs=("secondaryd", "secondaryctl"))
def stop_ends_it_well_and_leaves_no_socket(case):
    _, sut = following(case)
    sut.ctl("stop")
    case.wait_until(lambda: not sut.running(), 10, "it to end")
    assert sut.program.popen.returncode == 0
    assert not os.path.exists(sut.socket)


@test(needs=("secondaryd",))
def the_control_socket_is_for_its_group_alone(case):
    _, sut = following(case)
    assert os.stat(sut.socket).st_mode & 0o777 == 0o660
    assert os.stat(os.path.dirname(sut.socket)).st_mode & 0o007 == 0
    assert os.stat(sut.p("state")).st_mode & 0o077 == 0


@test(needs=("secondaryd",))
def one_line_is_logged_for_each_transfer(case):
    fake, sut = following(case)
    fake.serial = 2
    fake.notify(sut.at())
    sut.transfers(APEX, 2)
    lines = [x for x in sut.log_text().splitlines()
             if sut.TRANSFER.search(x)]
    assert len(lines) == 2, sut.log_text()
    for word in ("octets", "records", "key none", "tcp", fake.address):
        assert word in lines[1], (word, lines[1])


@test(needs=("secondaryd",))
def no_secret_is_in_the_log_the_arguments_or_the_environment(case):
    key = servers.new_key()
    fake = FakePrimary(case, APEX, key, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    sut.start()
    sut.wait_serial(APEX, 1)
    sut.reload()
    seen = sut.log_text() + sut.ctl("status") + sut.ctl("zone-status", APEX)
    for f in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (sut.program.pid, f),
                  errors="replace") as h:
            seen += h.read()
    assert key.secret not in seen


@test(needs=("secondaryd",))
def a_second_instance_on_the_same_storage_is_refused(case):
    _, sut = following(case)
    other = case.server("secondaryd", name="second")
    other.p = lambda *parts: os.path.join(
        sut.dir if parts == ("state",) else other.dir, *parts)
    other.launch()
    case.wait_until(lambda: not other.program.running(), 10,
                    "the second one to give up")
    assert other.program.popen.returncode != 0
    assert sut.serial(APEX) == 1


# Reload

@test(needs=("secondaryd", "secondaryctl"), how=("secondaryctl", "SIGHUP"))
def a_good_configuration_is_applied_and_drops_no_query(case, how):
    fake, sut = following(case)
    other = FakePrimary(case, "other.test.", records=[
        "other.test. NS ns1.other.test."])
    lost, stop, count = [], threading.Event(), [0]

    def load():
        while not stop.is_set():
            for tcp in (False, True):
                count[0] += 1
                r = dnsq.try_ask(sut.at(), "www." + APEX, "A", timeout=2,
                                 tcp=tcp)
                if r is None or r.rcode() != 0 or not r.answer:
                    lost.append(r)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for n in range(8):
            if n % 2 == 0:
                sut.follow(other.apex, [other.peer()])
            else:
                del sut.zones[other.apex]
            if how == "SIGHUP":
                sut.hup()
            else:
                sut.reload()
            if n % 2 == 0:
                sut.wait_serial(other.apex, 1)
            else:
                case.wait_until(
                    lambda: dnsq.ask(sut.at(), other.apex, "SOA").rcode()
                    == wire.RCODE["REFUSED"], 10, "the zone to be gone")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not lost, "%d of %d lost: %s" % (len(lost), count[0], lost[0])
    case.say("%d queries over 8 reloads" % count[0])


@test(needs=("secondaryd", "secondaryctl"))
def a_bad_configuration_leaves_the_old_one_running(case):
    fake, sut = following(case)
    sut.extra = "nonsense:\n    here: now"
    try:
        said = sut.reload()
    except AssertionError as e:
        said = str(e)
    else:
        raise AssertionError("a bad configuration was taken: " + said)
    assert re.search(r"secondaryd\.conf:\d+: ", said), said
    assert sut.serial(APEX) == 1
    fake.serial = 2
    fake.notify(sut.at())
    sut.wait_serial(APEX, 2)
    # Repaired, it is taken.
    sut.extra = ""
    sut.reload()


@test(needs=("secondaryd", "secondaryctl"))
def a_reload_takes_another_primary_and_another_secret(case):
    old, new = servers.new_key(), servers.new_key()
    fake = FakePrimary(case, APEX, old, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    sut.start()
    sut.wait_serial(APEX, 1)
    fake.key = new
    fake.serial = 2
    sut.follow(APEX, [fake.peer(new)])
    sut.reload()
    sut.ctl("refresh", APEX)
    sut.wait_serial(APEX, 2)
    other = FakePrimary(case, APEX, records=RECORDS, serial=3,
                        address="127.0.0.2")
    sut.follow(APEX, [other.peer()])
    sut.reload()
    sut.wait_serial(APEX, 3)


def never_ends(req):
    req.send(req.message([req.primary.soa()] + req.primary.records))
    while not req.primary.stopped.wait(0.05):
        req.send(req.message([rr("more.fake.test. A 192.0.2.1")],
                             question=False))


def wait_for_axfr_limit(case, sut):
    """Seconds from now to the end that an AXFR under way is given."""
    case.wait_until(lambda: "AXFR asks" in sut.status_of(APEX), 10,
                    "an AXFR to be under way")
    text = sut.ctl("--json", "zone-status", APEX)
    at = re.search(r'"next-at": *"?([^",]+)', text).group(1)
    if not at.isdigit():
        at = datetime.datetime.fromisoformat(
            at.replace("Z", "+00:00")).timestamp()
    return int(at) - time.time()


@test(needs=("secondaryd", "secondaryctl"))
def a_reload_gives_transfers_another_time_limit(case):
    fake = FakePrimary(case, APEX, records=RECORDS)
    fake.axfr = never_ends
    sut = case.server("secondaryd")
    sut.template["transfer-max-time"] = "100s"
    sut.follow(APEX, [fake.peer()])
    sut.start()
    assert wait_for_axfr_limit(case, sut) < 200
    sut.template["transfer-max-time"] = "1h"
    sut.reload()
    assert wait_for_axfr_limit(case, sut) > 3000


@test(needs=("secondaryd", "secondaryctl"))
def a_zone_that_leaves_and_returns_is_there_again(case):
    fake, sut = following(case)
    kept = sut.zones.pop(APEX)
    sut.follow("other.test.", [fake.peer()])
    sut.reload()
    case.wait_until(lambda: dnsq.ask(sut.at(), APEX, "SOA").rcode()
                    == wire.RCODE["REFUSED"], 10, "the zone to be gone")
    sut.zones[APEX] = kept
    sut.reload()
    sut.wait_serial(APEX, 1)


# Configuration errors: what is inserted, and what the message must hold

GOOD = """server:
    listen: [ 127.0.0.1@%(port)d ]
    storage: "%(dir)s/state"
    rundir: "%(dir)s/run"
key:
  - id: k.test.
    algorithm: hmac-sha256
    secret-file: "%(dir)s/k.secret"
remote:
  - id: hidden
    address: [ 127.0.0.1@%(port)d ]
    key: k.test.
acl:
  - id: down
    address: [ 127.0.0.0/8 ]
    key: k.test.
    action: [ transfer, notify ]
zone:
  - domain: one.test
    primary: [ hidden ]
    acl: [ down ]
  - domain: two.test
    primary: [ hidden ]
"""

# name: (text to replace, by what, the line it is on, a word of the message)
ERRORS = {
    "unknown section": ("remote:\n", "remotes:\n", 9, "remotes"),
    "unknown key": ("    key: k.test.\nacl", "    kee: k.test.\nacl", 12,
                    "kee"),
    "unknown key in a zone": ("    acl: [ down ]\n", "    acls: [ down ]\n",
                              21, "acls"),
    "missing remote": ("one.test\n    primary: [ hidden ]",
                       "one.test\n    primary: [ hiden ]", 20, "hiden"),
    "missing acl": ("acl: [ down ]", "acl: [ up ]", 21, "up"),
    "missing key": ("@%(port)d ]\n    key: k.test.\nacl",
                    "@%(port)d ]\n    key: l.test.\nacl", 12, "l.test"),
    "duplicate zone": ("domain: two.test", "domain: ONE.test.", 22,
                       "one.test"),
    "duplicate remote": ("acl:\n", "  - id: hidden\n    address: [ ::1 ]\n"
                         "acl:\n", 13, "hidden"),
    "bad address": ("[ 127.0.0.0/8 ]", "[ 127.0.0.300/8 ]", 15,
                    "127.0.0.300"),
    "bad prefix": ("[ 127.0.0.0/8 ]", "[ 127.0.0.0/33 ]", 15, "33"),
    "bad port": ("listen: [ 127.0.0.1@%(port)d ]",
                 "listen: [ 127.0.0.1@70000 ]", 2, "70000"),
    "bad name": ("domain: two.test", "domain: two..test", 22, "two..test"),
    "bad action": ("[ transfer, notify ]", "[ transfer, nothing ]", 17,
                   "nothing"),
    "bad algorithm": ("hmac-sha256", "hmac-sha257", 7, "hmac-sha257"),
    "weak algorithm": ("hmac-sha256", "hmac-md5", 7, "hmac-md5"),
    "bad number": ("zone:\n", "template:\n  - id: default\n"
                   "    zone-max-size: lots\nzone:\n", 20, "lots"),
    "bad time": ("zone:\n", "template:\n  - id: default\n"
                 "    retry-min-interval: soon\nzone:\n", 20, "soon"),
    "no primary": ("two.test\n    primary: [ hidden ]\n", "two.test\n", 22,
                   "primary"),
    "not the grammar": ("remote:\n", "remote: [\n", 9, ""),
    "missing file to include": ("remote:\n", "include: none.conf\nremote:\n",
                                9, "none.conf"),
}


def config_check(case, text, secret_mode=0o600, secret=None):
    """secondaryd -t with this configuration: (exit code, output)."""
    sut = case.server("secondaryd")
    values = {"dir": sut.dir, "port": sut.port}
    path = sut.p("k.secret")
    write_private(path, (secret or servers.new_key().secret) + "\n")
    os.chmod(path, secret_mode)
    sut.config = lambda: text % values
    return sut.check()


@test(needs=("secondaryd",))
def a_good_configuration_passes_the_check(case):
    code, said = config_check(case, GOOD)
    assert code == 0, said


@test(needs=("secondaryd",))
def each_error_is_told_with_file_and_line(case):
    bad = []
    for name, (old, new, line, word) in ERRORS.items():
        assert GOOD.count(old) == 1, name
        code, said = config_check(case, GOOD.replace(old, new))
        if code == 0:
            bad.append("%s: accepted" % name)
        elif not re.search(r"secondaryd\.conf:%d: .*%s" % (
                line, re.escape(word)), said, re.I):
            bad.append("%s: not at line %d with %r: %s" % (
                name, line, word, said.strip()))
    assert not bad, "\n".join(bad)


@test(needs=("secondaryd",))
def all_errors_of_a_kind_are_told_at_once(case):
    text = GOOD
    for name in ("weak algorithm", "no primary"):
        text = text.replace(*ERRORS[name][:2])
    code, said = config_check(case, text)
    assert code == 1, said
    for line, word in ((7, "hmac-md5"), (22, "primary")):
        assert re.search(r"secondaryd\.conf:%d: .*%s" % (line, word), said), \
            said
    assert len(said.splitlines()) == 2, said


@test(needs=("secondaryd",), mode=(0o640, 0o604, 0o660))
def a_secret_file_that_others_can_read_is_refused(case, mode):
    code, said = config_check(case, GOOD, mode)
    assert code != 0, said
    assert re.search(r"secondaryd\.conf:8: .*k\.secret", said), said


@test(needs=("secondaryd",))
def a_secret_that_is_no_base64_is_refused_and_not_shown(case):
    code, said = config_check(case, GOOD, secret="this is no base64!")
    assert code != 0 and "k.secret" in said, said
    assert "no base64!" not in said


@test(needs=("secondaryd",))
def a_bad_configuration_does_not_start(case):
    sut = case.server("secondaryd")
    sut.config = lambda: "server:\n    listen: nowhere\n"
    sut.launch()
    case.wait_until(lambda: not sut.program.running(), 10, "it to end")
    assert sut.program.popen.returncode != 0
    assert "secondaryd.conf:2: " in sut.log_text(), sut.log_text()


@test(needs=("secondaryd",))
def included_files_are_read_and_named_in_errors(case):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    whole = sut.config()
    first, _, rest = whole.partition("remote:")
    os.mkdir(sut.p("conf.d"))
    with open(sut.p("conf.d", "10-zones.conf"), "w") as f:
        f.write("remote:" + rest)
    sut.config = lambda: first + "include: conf.d/*.conf\n"
    sut.start()
    sut.wait_serial(APEX, 1)
    with open(sut.p("conf.d", "20-bad.conf"), "w") as f:
        f.write("\nzone:\n  - domain: bad.test\n    primary: [ nobody ]\n")
    code, said = sut.check()
    assert code != 0 and "20-bad.conf:4: " in said, said


# The whole of it as a packager would see it

@test(needs=("secondaryd",))
def it_gives_up_root_and_every_capability(case):
    if os.geteuid() != 0:
        case.skip("needs root to give it up")
    nobody = pwd.getpwnam("nobody")
    key = servers.new_key()
    fake = FakePrimary(case, APEX, key, records=RECORDS)
    sut = case.server("secondaryd", server={"user": "nobody"})
    sut.follow(APEX, [fake.peer()])
    os.chmod(sut.dir, 0o711)
    os.chown(sut.key_dir, nobody.pw_uid, nobody.pw_gid)
    for d in ("state", "run"):
        os.makedirs(sut.p(d), mode=0o700, exist_ok=True)
        os.chmod(sut.p(d), 0o700)
        os.chown(sut.p(d), nobody.pw_uid, nobody.pw_gid)
    sut.write_config()
    os.chmod(sut.p(sut.config_name), 0o644)
    secret = os.path.join(sut.key_dir, key.name + "secret")
    os.chown(secret, nobody.pw_uid, nobody.pw_gid)
    sut.write_config = lambda: None
    sut.start()
    sut.wait_serial(APEX, 1)
    pid = sut.program.pid
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        helpers = f.read().split()
    assert len(helpers) == 1, helpers
    for task in os.listdir("/proc/%d/task" % pid) + helpers:
        with open("/proc/%s/status" % task) as f:
            status = dict(x.split(":\t", 1) for x in f.read().splitlines()
                          if ":\t" in x)
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4, status
        assert status["Groups"].split() in ([], [str(nobody.pw_gid)]), status
        assert int(status["CapEff"], 16) == 0, status["CapEff"]
        assert int(status["CapPrm"], 16) == 0, status["CapPrm"]
        assert status["NoNewPrivs"].strip() == "1", status
    # A reload still reads the key file, which is the service user's.
    sut.ctl("reload")
    fake.serial = 2
    fake.notify(sut.at())
    sut.wait_serial(APEX, 2)


@test(needs=("secondaryd",))
def it_tells_the_service_manager_when_it_serves(case):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sut = case.server("secondaryd")
    path = sut.p("notify")
    sock.bind(path)
    sock.settimeout(10)
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut.follow(APEX, [fake.peer()])
    sut.environment = {"NOTIFY_SOCKET": path}
    sut.start()
    got = sock.recv(4096).decode()
    assert "READY=1" in got, got
    sut.reload()
    told = sock.recv(4096).decode() + "\n" + sock.recv(4096).decode()
    assert "RELOADING=1" in told and "READY=1" in told, told
    sut.stop()
    assert "STOPPING=1" in sock.recv(4096).decode()


@test(needs=("secondaryd", "secondaryctl"))
def json_is_for_programs(case):
    _, sut = following(case)
    for command in (("status",), ("zone-status",), ("zone-status", APEX)):
        assert json.loads(sut.ctl("--json", *command)), command


@test(needs=("secondaryd",))
def a_transfer_comes_from_the_address_that_via_names(case):
    fake = FakePrimary(case, APEX, records=RECORDS)
    sut = case.server("secondaryd")
    sut.follow(APEX, [fake.peer()])
    text = re.sub(
        r"(remote:\n  - id: r0\n    address: \[ \S+ \])",
        r"\1\n    via: 127.0.0.44", sut.config())
    sut.config = lambda: text
    sut.start()
    sut.wait_serial(APEX, 1)
    assert fake.clients == {"127.0.0.44"}, fake.clients

@test(needs=("secondaryd",))
def a_zone_that_is_not_there_yet_is_servfail(case):
    sut = case.server("secondaryd")
    sut.follow(APEX, [servers.Peer("127.0.0.1", case.port(), None)])
    sut.start()
    r = dnsq.ask(sut.at(), APEX, "SOA", use_edns=0)
    assert r.rcode() == wire.RCODE["SERVFAIL"], r
    assert [o for o in r.options if o.otype == 15], "no EDE: %s" % r


@test(needs=("knot", "secondaryd"))
def a_hundred_zones_start_from_disk(case):
    prim, sut = case.server("knot", name="primary"), \
        case.server("secondaryd")
    zs = [zones.flat("z%d.test." % i, count=5) for i in range(100)]
    for z in zs:
        prim.serve(z, allow=[servers.allow()], ixfr=False)
        sut.follow(z.apex, [prim.peer()])
    prim.start()
    sut.start()
    for z in zs:
        sut.wait_serial(z.apex, 1)
    prim.stop()
    sut.stop()
    sut.start()
    for z in zs:
        assert sut.serial(z.apex) == 1, z.apex


@test(needs=("secondaryd", "secondaryctl"))
def a_flood_of_notify_does_not_fill_the_log(case):
    fake, sut = following(case)
    msg = (struct.pack("!HHHHHH", 4711, 4 << 11 | 0x400, 1, 0, 0, 0)
           + wire.name(APEX) + struct.pack("!HH", 6, 1))
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect(sut.at())
        for _ in range(1000):
            s.send(msg)
            s.recv(512)
    seconds = int(time.monotonic() - began) + 2
    sut.ctl("status")
    lines = sut.log_text().count(": NOTIFY from ")
    assert 0 < lines <= 10 * seconds, (lines, seconds)
