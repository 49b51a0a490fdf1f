# SPDX-License-Identifier: BSD-2-Clause
"""What the parts of the benchmark share: where things are, the primary,
starting the servers one after the other, keeping what was measured."""
import contextlib
import json
import os
import subprocess
import sys
import time
import traceback

import ixfr
import servers
import zones
from account import Activity
from ask import Notifier, wait_serial, wrong_addresses
from lib import ports
from lib.servers import new_key
from primary import Primary
from probe import Probe

CHANCES = 5
REMINDERS = 3
HANG_S = 4                          # without using CPU time


def tell(text):
    print(time.strftime("%H:%M:%S ") + text, file=sys.stderr, flush=True)


class NotMeasured(Exception):
    """A server did not do what was to be measured; the text says what."""


class NoStart(NotMeasured):
    """It was started for the first time and did not come to answer."""


class Bench:
    def __init__(self, scale, names, directory, tools):
        self.scale, self.dir, self.tools = scale, directory, tools
        self.key = new_key("xfr.bench.")
        self.ports = os.path.join(directory, "ports")
        os.mkdir(self.ports)
        self.key_file = os.path.join(directory, "key")
        fd = os.open(self.key_file, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write("%s:%s:%s\n" % (self.key.algorithm, self.key.name,
                                    self.key.secret))
        self.not_run, self.notes = [], []
        self.results, self.configs = {}, {}
        self.names = []
        for name in names:
            if servers.ALL[name].path():
                self.names.append(name)
            else:
                self.not_run.append("%s: not installed" % name)
        self.serial = 0

    # -- what is measured
    def keep(self, part, **row):
        """Keep one row of figures; "server" is one of them."""
        self.results.setdefault(part, []).append(row)

    def note(self, part, server, text):
        text = "%s, %s: %s" % (part, server, text)
        tell(text)
        self.notes.append(text)

    # -- who is there
    @contextlib.contextmanager
    def primary(self, flat=None, delegations=False, small=False):
        """A primary with these zones, at serial 1, on a port of its own:
        so nobody waits for ports that the one before has used.

        flat    names of flat.test., when not as many as the scale has
        """
        p = Primary(self.tools, ports.reserve(self.ports), self.key_file,
                    os.path.join(self.dir, "primary.log"),
                    self.scale.flat if flat is None else flat,
                    self.scale.delegations if delegations else 0,
                    self.scale.small if small else 0)
        try:
            yield p
        finally:
            p.stop()

    @contextlib.contextmanager
    def server(self, kind, primary, apexes, workers=1, history=None):
        """A server, configured and not started; gone afterwards.

        history     None: as much of it as the server thinks fit; else see
                    servers.py
        """
        if isinstance(kind, str):
            kind = servers.BY_NAME[kind]
        self.serial += 1
        s = kind(os.path.join(self.dir, "%s-%d" % (
            kind.name.replace(" ", "-"), self.serial)),
            ports.reserve(self.ports), apexes, workers, self.key,
            primary.port, history)
        title = s.name + (", history " + history if history else "")
        if len(apexes) < 10 and title not in self.configs:
            self.configs[title] = self._shown(s)
        try:
            yield s
        finally:
            s.close()

    def _shown(self, server):
        """Its configuration, without the secret and the directory."""
        return {file: text.replace(self.key.secret, "SECRET")
                .replace(server.dir, "DIRECTORY")
                for file, text in server.files.items()}

    def wait(self, server, apex, serial, began, active=lambda: True):
        """Until it answers with that serial: seconds since began."""
        seen = wait_serial(server.port, apex, serial, self.scale.patience,
                           lambda: server.running() and active(),
                           with_flags=server.answer_flags)
        if seen is None:
            why = "it hangs" if server.running() else \
                "it ended: " + server.last_words()
            raise NotMeasured("serial %d of %s is not served after %.0f s, %s"
                              % (serial, apex, time.monotonic() - began, why))
        return seen - began

    def notify(self, server, apex, serial, pause=0.001):
        """NOTIFY: seconds until that serial is served."""
        began = time.monotonic()
        with Notifier(server.port, apex) as notifier:
            for _ in range(REMINDERS):
                notifier.send(serial)
                seen = wait_serial(server.port, apex, serial,
                                   self.scale.patience / REMINDERS,
                                   server.running, pause, server.answer_flags)
                if seen is not None:
                    return seen - began
        raise NotMeasured("serial %d of %s is not served %d s after NOTIFY"
                          % (serial, apex, self.scale.patience))

    def first_answer(self, server, apexes, began):
        """Until it has followed the primary to serial 1 of all zones."""
        active = Activity(server.account, HANG_S)
        try:
            for apex in apexes:
                seconds = self.wait(server, apex, 1, began, active)
        except NotMeasured as e:
            raise NoStart(str(e)) from None
        return seconds

    @contextlib.contextmanager
    def booted(self, name, primary, apexes, workers=1, history=None):
        """A server that has transferred everything and come to rest."""
        with self.server(name, primary, apexes, workers, history) as s:
            self.first_answer(s, apexes, s.start())
            self.settle(s)
            yield s

    def settle(self, server, limit=15.0):
        server.account.settle(self.scale.calm, limit)

    def probe(self, server, zone, names=None):
        return Probe(self.tools, server.port, zone, names)

    def _pulling(self, port, zone, *arguments):
        return subprocess.Popen(
            [os.path.join(self.tools, "pull"), str(port), self.key_file, zone,
             *map(str, arguments)], text=True, stdout=subprocess.PIPE)

    def pull(self, port, zone, *since):
        """AXFR of a zone from a port, or IXFR: the figures of pull.c."""
        with self._pulling(port, zone, *since) as p:
            return json.loads(p.stdout.read())

    def change_to_ixfr(self, server, primary, width):
        """flat.test. changes, with NOTIFY: seconds until IXFR has what is
        new, and the figures of pull.c about it."""
        apex, since = zones.FLAT, primary.flat.serial
        with self._pulling(server.port, apex, since, self.scale.patience) as p:
            p.stdout.readline()     # there is nothing newer yet
            began = time.monotonic()
            primary.change(width)
            with Notifier(server.port, apex) as notifier:
                notifier.send(primary.flat.serial)
            got = json.loads(p.stdout.read())
        if got["kind"] == "none" or got["serial"] != primary.flat.serial:
            raise NotMeasured("no IXFR has serial %d %d s after NOTIFY" % (
                primary.flat.serial, self.scale.patience))
        return got["at"] - began, got

    def check(self, server, primary):
        """Names must have the addresses that the primary gives them."""
        wrong = wrong_addresses(server.port, primary.flat)
        if wrong:
            raise NotMeasured("%d of 200 names have a wrong address" % wrong)

    def is_right_ixfr(self, part, server, primary, since, had):
        """Is each record of an answer, and each signature, as it must be?

        had     the addresses of flat.test. in version `since`
        """
        try:
            ixfr.check(ixfr.steps(server.port, zones.FLAT, since, self.key),
                       since, primary.flat, had)
        except ixfr.Wrong as e:
            self.note(part, server.name, str(e))
            return False
        return True

    # -- running parts
    def each(self, part, measure, names=None):
        """measure(name) for each server, or these; what goes wrong is a note.

        One that hangs at the first start is given further chances.
        """
        for name in self.names if names is None else names:
            for _ in range(CHANCES):
                tell("%s: %s" % (part, name))
                try:
                    measure(name)
                    break
                except NotMeasured as e:
                    self.note(part, name, str(e))
                    if not isinstance(e, NoStart):
                        break
                except Exception as e:  # the others shall be measured
                    traceback.print_exc()
                    self.note(part, name, "%s: %s" % (type(e).__name__, e))
                    break
