# SPDX-License-Identifier: BSD-2-Clause
"""The files of conf.d, for dropping in."""
import glob
import os
import re

from .secondaryd import module_path
from .servers import new_key, write_private


def source(name, server="secondaryd"):
    top = os.environ.get("SECD_SRCDIR") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
    return os.path.join(top, "conf.d", server, name)


def all_of(server="secondaryd"):
    return sorted(os.path.basename(f)
                  for f in glob.glob(source("*.conf", server)))


def read(name, server="secondaryd"):
    with open(source(name, server)) as f:
        return f.read()


def place(case, directory, names, edit=lambda text: text):
    """Snippets in conf.d of a directory, with the options and the keys that
    they name. Nothing is changed but where modules are, and by edit."""
    os.makedirs(os.path.join(directory, "conf.d"))
    os.makedirs(os.path.join(directory, "keys"), mode=0o700)
    for name in names:
        text = read(name)
        files = [(name, text)]
        for options in re.findall(r"^ +config: (\S+)", text, re.M):
            files.append((options, read(options)))
        for module in re.findall(r"^ +file: (\S+)\.so", text, re.M):
            if module_path(module) is None:
                case.skip(module + ".so is not built")
            files[0] = name, text.replace(
                "file: %s.so" % module, 'file: "%s"' % module_path(module))
        for file, text in files:
            write_private(os.path.join(directory, "conf.d", file), edit(text))
            for key in re.findall(r"^ +\w+-file: \.\./(keys/\S+)", text, re.M):
                write_private(os.path.join(directory, key),
                              new_key().secret + "\n")


def with_other_server(text):
    """Without the # of what is about p2, as the comments say."""
    found, is_on = [], False
    for line in text.splitlines():
        if re.match("# *- id: p2|#place:", line):
            is_on = True
        elif not line.startswith("#") or line == "#":
            is_on = False
        found.append(line.replace("#", " " if line[1] == " " else "", 1)
                     if is_on else line)
    return "\n".join(found) + "\n"
