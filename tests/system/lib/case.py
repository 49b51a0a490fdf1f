# SPDX-License-Identifier: BSD-2-Clause
"""What a test case is given, and how one is declared.

    @test(needs=("nsd", "secondaryd"), primary=("nsd", "knot"))
    def a_sentence_that_is_true(case, primary): ...

Each combination of the further keyword arguments is one case.  A need that
the machine does not meet skips the case with a reason.
"""
import itertools
import os
import traceback

from . import ports, servers, zones
from .process import Timeout, find_program, kill_descendants, wait_until
from .secondaryd import Secondaryd, module_path, secondaryctl_path

KINDS = dict(servers.KINDS, secondaryd=Secondaryd)


class Skip(Exception):
    """The case cannot run here; the text says why."""


class Declared:
    """One test case: a function with its arguments."""

    def __init__(self, function, needs, args, limit, long):
        self.function, self.needs, self.args = function, needs, args
        self.limit, self.long = limit, long
        module = function.__module__.replace("test_", "", 1)
        self.name = "%s.%s" % (module, function.__name__)
        if args:
            self.name += "[%s]" % ",".join(str(v) for v in args.values())


declared = []


def test(needs=(), limit=120, long=False, **over):
    """Declare a test case for each combination of over's values.

    A string in needs may be {argument}, to be replaced by its value.  A long
    case runs with --long only.
    """
    def declare(function):
        for values in itertools.product(*over.values()):
            args = dict(zip(over, values))
            declared.append(Declared(
                function, [n.format(**args) for n in needs], args, limit,
                long))
        return function
    return declare


def rootzone_dir():
    """The folder with the real root zones, or None."""
    path = os.environ.get("SECD_ROOTZONE_DIR")
    return path if path and os.path.isdir(path) else None


def missing(need):
    """Why a need is not met, or None."""
    if need in KINDS:
        return None if KINDS[need].path() else need + " is not installed"
    if need == "secondaryctl":
        return None if secondaryctl_path() else "no secondaryctl"
    if need.endswith(".so"):
        return None if module_path(need[:-3]) else need + " is not built"
    if need == "signer":
        return None if zones.can_sign() else "dnssec-signzone is not installed"
    if need == "rootzone":
        return None if rootzone_dir() else \
            "SECD_ROOTZONE_DIR names no folder with root zones"
    return None if find_program(need) else need + " is not installed"


class Case:
    """A directory, servers and ports of its own."""

    def __init__(self, directory, port_directory):
        self.dir, self.port_dir = directory, port_directory
        self.servers = []
        self.lines = []

    def subdir(self, name):
        path, n = os.path.join(self.dir, name), 1
        while os.path.exists(path):
            n += 1
            path = os.path.join(self.dir, "%s-%d" % (name, n))
        os.makedirs(path, mode=0o700)
        return path

    def port(self):
        return ports.reserve(self.port_dir)

    def say(self, text):
        """A line to be printed below the result."""
        self.lines.append(text)

    @staticmethod
    def skip(reason):
        raise Skip(reason)

    def server(self, kind, **kw):
        return KINDS[kind](self, **kw)

    def wait_until(self, cond, timeout, what):
        return wait_until(cond, timeout, what)

    def end_well(self):
        """Whatever a case did, secondaryd stops when told to, without an
        error and, in a build that looks for them, without a leak."""
        for s in self.servers:
            if not isinstance(s, Secondaryd):
                continue
            if s.running():
                code = s.stop()
                assert code == 0, "%s ended with %s" % (s.name, code)
            # A case that makes it refuse to start has seen that itself.
            code = s.program.popen.returncode if s.program else 0
            assert code >= 0, "%s died of signal %d" % (s.name, -code)
            assert "Sanitizer" not in s.log_text(), s.name

    def logs(self, count=25):
        """The tails of the logs of all servers."""
        out = []
        for s in self.servers:
            tail = s.log_text().splitlines()[-count:]
            out.append("--- log of %s" % s.name)
            out += [line[:300] for line in tail]
        return out


def run_case(d, directory, port_directory):
    """Run one declared case; returns a result to be sent to the runner."""
    case = Case(directory, port_directory)
    status, text = "ok", []
    try:
        for need in d.needs:
            reason = missing(need)
            if reason:
                raise Skip(reason)
        d.function(case, **d.args)
        case.end_well()
    except Skip as e:
        status, text = "skip", [str(e)]
    except (Exception, SystemExit, KeyboardInterrupt) as e:
        status = "FAIL"
        if isinstance(e, (AssertionError, Timeout)) and str(e):
            where = traceback.extract_tb(e.__traceback__)
            inside = [f for f in where if "test_" in f.filename] or where
            text = ["%s:%d: %s" % (os.path.basename(inside[-1].filename),
                                   inside[-1].lineno, e)]
        else:
            text = traceback.format_exc().splitlines()
        text += case.logs()
    finally:
        kill_descendants()
    return {"status": status, "text": text, "said": case.lines}
