# SPDX-License-Identifier: BSD-2-Clause
"""What was measured, as Markdown for people and as JSON for the rest."""
import json
import os
import re
import time

import bars
import servers


def about(bench):
    """Where and with what, at the beginning."""
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    return {
        "scale": bench.scale.name,
        "names": {"names": bench.scale.flat,
                  "delegations": bench.scale.delegations,
                  "small zones": bench.scale.small},
        "began": time.strftime("%F %T"),
        "kernel": os.uname().release,
        "cpus": os.cpu_count(),
        "cpu": cpu.group(1) if cpu else "?",
        "load_before": os.getloadavg()[0],
        "versions": {n: s.version() for n, s in servers.BY_NAME.items()
                     if n in bench.names or n not in servers.ALL and s.path()},
        "monotonic": time.monotonic(),
    }


def finish(facts):
    facts = dict(facts)
    facts["minutes"] = (time.monotonic() - facts.pop("monotonic")) / 60
    facts["load_after"] = os.getloadavg()[0]
    return facts


def shown(value):
    """A value in a table: three digits that count."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value and abs(value) < 0.001:
            return "%.1e" % value
        for limit, digits in ((100, 0), (10, 1), (1, 2)):
            if abs(value) >= limit:
                return "%.*f" % (digits, value)
        return "%.3g" % value
    return str(value)


def table(heads, rows):
    out = ["| %s |" % " | ".join(heads), "|" + " --- |" * len(heads)]
    out += ["| %s |" % " | ".join(shown(v) for v in row) for row in rows]
    return out


def _ratios(bench, results):
    """The first table: secondaryd against the best peer, line by line."""
    full = bench.scale.name == "full"
    heads = ["what", "secondaryd", "best peer", "ours / best"]
    heads += ["bar", "met"] if full else []
    rows = []
    for r in results:
        row = [r["text"],
               "%s %s" % (shown(r["ours"]), r["unit"]),
               "%s (%s %s)" % (r["peer"], shown(r["best"]), r["unit"])
               if r["peer"] else None,
               r["ratio"]]
        if full:
            row += [r["bar"] or None, r["met"]]
        rows.append(row)
    return table(heads, rows)


def _part(name, rows):
    """All figures of one part."""
    keys = []
    for row in rows:
        keys += [k for k in row if k not in keys]
    heads = [k.replace("_", " ") for k in keys]
    return ["", "## " + name, ""] + table(
        heads, [[row.get(k) for k in keys] for row in rows])


def _listed(title, lines):
    return ["", title, ""] + ["- " + x for x in lines] if lines else []


def markdown(bench, facts):
    results = bars.judge_all(bench.results, servers.EmptyResponder.name)
    out = ["# secondaryd beside other secondaries", "",
           "%s, %s scale: %s; %d CPUs (%s), Linux %s; load %s before, %s "
           "after; %s minutes." % (
               facts["began"], facts["scale"],
               ", ".join("%d %s" % (v, k) for k, v in facts["names"].items()),
               facts["cpus"], facts["cpu"], facts["kernel"],
               shown(facts["load_before"]), shown(facts["load_after"]),
               shown(facts["minutes"])), "",
           "Versions: %s." % "; ".join(
               "%s: %s" % kv for kv in facts["versions"].items()), ""]
    if facts["scale"] != "full":
        out += ["A zone this small says little about any server: the bars "
                "are for SCALE=full.", ""]
    out += _ratios(bench, results)
    met = [r["met"] for r in results if r["met"] is not None]
    if facts["scale"] == "full":
        out += ["", "%d of %d bars are met." % (met.count(True), len(met))]
    out += _listed("Not run:", bench.not_run)
    out += _listed("Noted:", bench.notes)
    for name, rows in bench.results.items():
        out += _part(name, rows)
    return "\n".join(out)


def write_json(path, bench, facts):
    with open(path, "w") as f:
        json.dump({"about": facts, "not_run": bench.not_run,
                   "notes": bench.notes, "results": bench.results,
                   "ratios": bars.judge_all(bench.results,
                                            servers.EmptyResponder.name),
                   "configurations": bench.configs}, f, indent=1)
        f.write("\n")
