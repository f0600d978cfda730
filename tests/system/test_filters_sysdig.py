"""Made-up filters over real captures: Debian's sysdig, whose libraries are of 2022, judges which events they are true of.

Only what a filter says is judged, not what fields hold: an event counts for a filter where both engines show the same values of all
its fields. Only exits count (there are no enter events here) and only filters that the older engine knows. The filters come from a
seed and from the values that the captures have, so that most are true of something.

What the older engine answers differently, and is not asked: an even number of "not" counted as one; "in ()" was "in ('')"; fields of either
end of a connection (fd.port, fd.net) did not "exist"; "in" over numbers was true of absent ones; networks were IPv4's alone. It has no "==",
"intersects", "bcontains" and "bstartswith": see older()."""

import os
import random
import re
import subprocess

import pytest

from recording import have_sysdig
from system_harness import BUILD, ROOT

MATCHES = BUILD / "tests" / "scap_matches"
REFERENCE = ROOT.parent / "shared" / "reference" / "scap"
UNIT = "\x1f"
CAPTURES = ["falco_cat_write", "sf_files_files", "sf_client-server_tcp-client-server", "libs_curl_google", "sf_setuid_setuid"]
FILTERS = int(os.environ.get("SYSDIG_FILTERS", "200"))  # of all captures together
SEED = int(os.environ.get("SYSDIG_SEED", "20261121"))

TEXTS = ["proc.name", "proc.exe", "proc.exepath", "proc.cmdline", "proc.args", "proc.cwd", "proc.pname", "proc.aname[1]", "proc.aname[2]",
         "fd.name", "fd.directory", "fd.filename", "fd.type", "fd.typechar", "fd.l4proto", "fd.sockfamily", "evt.category", "evt.res",
         "evt.io_dir", "syscall.type", "evt.arg.name", "evt.arg.flags", "evt.arg.fd", "evt.arg[0]", "evt.arg[1]"]
NUMBERS = ["proc.pid", "proc.ppid", "thread.tid", "fd.num", "evt.rawres", "evt.cpu", "proc.vpid"]
BOOLEANS = ["evt.is_io", "evt.is_io_read", "evt.is_io_write", "evt.is_wait", "evt.failed", "thread.ismain"]
PORTS = ["fd.sport", "fd.cport"]
ADDRESSES = ["fd.sip", "fd.cip"]
VALUES = TEXTS + NUMBERS + BOOLEANS + PORTS + ADDRESSES + ["evt.type", "evt.buffer", "proc.aname[3]", "proc.aname[4]"]
# Fields that have no value of their own, and those that decide them.
ENDS = {"fd.port": PORTS, "fd.ip": ADDRESSES, "fd.net": ADDRESSES, "fd.snet": ["fd.sip"], "fd.cnet": ["fd.cip"]}
# Where "<NA>" may be a text here and no value there.
TEXT_OR_NOTHING = ("evt.arg", "fd.l4proto")
LINEAGE = {"proc.aname": [f"proc.aname[{i}]" for i in range(1, 5)]}

pytestmark = [
    pytest.mark.skipif(not have_sysdig(), reason="sysdig is not installed"),
    pytest.mark.skipif(not MATCHES.exists(), reason="scap_matches is not built"),
    pytest.mark.skipif(not REFERENCE.exists(), reason="no reference captures beside the project"),
]


def older(text):
    """The same filter in words that the older engine knows."""
    text = re.sub(r"\bb(contains|startswith) ([0-9a-f]+)", lambda m: f"{m[1]} '{bytes.fromhex(m[2]).decode()}'", text)
    return text.replace(" == ", " = ").replace(" intersects ", " in ").replace("not not (", "(")


def their_events(capture, condition):
    """The events that sysdig shows, by number; their values where there is no condition."""
    shown = ["evt.num"] + ([] if condition else VALUES)
    done = subprocess.run(
        ["sysdig", "-r", str(REFERENCE / f"{capture}.scap"), "-p", "*" + UNIT.join("%" + f for f in shown),
         "evt.dir=<" + (f" and ({older(condition)})" if condition else "")],
        capture_output=True, check=False, env={**os.environ, "HOME": "/root"}, timeout=60)
    if done.returncode != 0 and not done.stdout:
        return None
    events = {}
    for line in done.stdout.decode(errors="replace").split("\n"):
        values = line.split(UNIT)
        if len(values) == len(shown) and values[0].isdigit():
            events[int(values[0])] = dict(zip(VALUES, values[1:]))
    return events


def our_answers(capture, filters):
    done = subprocess.run([MATCHES, REFERENCE / f"{capture}.scap", *VALUES], input="\n".join(filters).encode(), capture_output=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    events, answers = {}, {}
    for line in done.stdout.decode(errors="replace").split("\n"):
        parts = line.split(UNIT)
        if parts[0] == "E":
            events[int(parts[1])] = dict(zip(VALUES, parts[4:]))
        elif parts[0] == "F":
            wrong = parts[2].startswith("!")
            answers[int(parts[1])] = parts[2] if wrong else {int(n) for n in parts[2].split(",") if n}
    return events, answers


class Maker:
    """Filters out of the values that a capture has."""

    def __init__(self, events, seed):
        self.random = random.Random(seed)
        self.values = {f: sorted({e[f] for e in events.values()} - {"<NA>", ""}) for f in VALUES}

    def value(self, field):
        known = [v for v in self.values[field] if len(v) < 200 and v.isprintable() and v.isascii() and v != "<unknown>"]
        return self.random.choice(known) if known else "x"

    def quoted(self, text):
        quote = self.random.choice("\"'")
        if text and not set(text) & set(" ()\"'=,\\") and self.random.random() < 0.5:
            return text
        return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote

    def part(self, text):
        start = self.random.randrange(len(text) + 1)
        return text[start:start + self.random.randrange(1, 8)]

    def pattern(self, text):
        """A glob that text, or something like it, matches."""
        if any(c in text for c in "[]*?\\"):
            return "*"
        at = self.random.randrange(len(text) + 1)
        kind = self.random.randrange(6)
        if kind == 0:
            return text[:at] + "*"
        if kind == 1:
            return "*" + text[at:]
        if kind == 2:
            return text[:at] + "?" + text[at + 1:]
        if kind == 3 and at < len(text) and text[at].isalpha():
            return text[:at] + self.random.choice(["[a-m]", "[!a-m]", "[A-Z]"]) + text[at + 1:]
        return "*" + self.part(text) + "*"

    def text_check(self, field):
        value = self.value(field)
        op = self.random.choice(["=", "!=", "==", "contains", "icontains", "startswith", "endswith", "glob", "in", "in", "intersects", "pmatch",
                                 "exists", "<", ">="])
        if op == "exists":
            return f"{field} exists"
        if op in ("<", ">="):
            return f"{field} {op} {self.random.randrange(100)}"
        if op in ("in", "intersects"):
            some = [self.value(field) for _ in range(self.random.randrange(1, 4))] + self.random.choice([[], ["other"], [""]])  # () was ("")
            return f"{field} {op} ({', '.join(self.quoted(v) for v in some)})"
        if op == "pmatch":
            some = [self.prefix(self.value(field)) for _ in range(self.random.randrange(1, 4))]
            return f"{field} pmatch ({', '.join(self.quoted(v) for v in some)})"
        if op == "glob":
            return f"{field} glob {self.quoted(self.pattern(value))}"
        if op in ("=", "!=", "=="):
            return f"{field} {op} {self.quoted(self.random.choice([value, value, value.upper(), '']))}"
        piece = {"startswith": value[:self.random.randrange(1, 6)], "endswith": value[-self.random.randrange(1, 6):]}.get(op, self.part(value))
        if op == "icontains":
            piece = self.random.choice([str.upper, str.lower, str.swapcase])(piece)
        return f"{field} {op} {self.quoted(piece)}"

    def prefix(self, path):
        parts = path.split("/")
        kept = "/".join(parts[:self.random.randrange(1, len(parts) + 1)])
        return self.random.choice([kept, kept + "/", kept[:-1], "/" + kept])

    def number_check(self, field):
        value = self.value(field)
        number = int(value) if value.lstrip("-").isdigit() else 5
        op = self.random.choice(["=", "!=", "<", "<=", ">", ">=", "in", "exists"])
        if op == "exists":
            return f"{field} exists"
        if op == "in":
            return f"{field} in ({', '.join(str(n) for n in (number, 1, number + 1)[:self.random.randrange(1, 4)])})"
        return f"{field} {op} {number + self.random.choice([0, 0, 1, -1])}"

    def net_check(self, field):
        address = self.value(self.random.choice(ENDS[field]))
        if ":" in address:
            return f"fd.sip != {address}"  # networks were IPv4's alone
        bits = self.random.choice([0, 1, 8, 12, 16, 24, 31, 32])
        return f"{field} {self.random.choice(['=', '!='])} {address if address != 'x' else '10.0.0.1'}/{bits}"

    def check(self):
        """One comparison and the fields whose values decide it."""
        kind = self.random.random()
        if kind < 0.42:
            field = self.random.choice([f for f in TEXTS if self.values[f]])
            return self.text_check(field), [field]
        if kind < 0.55:
            field = self.random.choice(NUMBERS)
            return self.number_check(field), [field]
        if kind < 0.62:
            field = self.random.choice(BOOLEANS)
            return f"{field} {self.random.choice(['=', '!='])} {self.random.choice(['true', 'false'])}", [field]
        if kind < 0.7:
            types = ", ".join(self.value("evt.type") for _ in range(self.random.randrange(1, 4)))
            return self.random.choice([f"evt.type in ({types})", f"evt.type != {self.value('evt.type')}", f"evt.type={self.value('evt.type')}"]), ["evt.type"]
        if kind < 0.76:
            field = self.random.choice(PORTS + ["fd.port"])
            text = self.number_check(field if field in PORTS else "fd.sport").replace("fd.sport", field)
            return ("fd.sport exists", ["fd.sport"]) if text == "fd.port exists" else (text, ENDS.get(field, [field]))  # it was always false
        if kind < 0.82:
            field = self.random.choice(ADDRESSES + ["fd.ip"])
            address = self.value(self.random.choice(ADDRESSES)).replace("x", "1.2.3.4")
            return f"{field} {self.random.choice(['=', '!='])} {address}", ENDS.get(field, [field])
        if kind < 0.88:
            field = self.random.choice(["fd.net", "fd.snet", "fd.cnet"])
            return self.net_check(field), [*ENDS[field], "fd.sip"]
        if kind < 0.94:
            name = self.value("proc.aname[1]")
            return self.random.choice([f"proc.aname = {self.quoted(name)}", f"proc.aname != {self.quoted(name)}",
                                       f"proc.aname in ({self.quoted(name)}, other)", f"proc.aname contains {self.quoted(self.part(name) or name)}",
                                       "proc.aname exists"]), LINEAGE["proc.aname"]
        piece = self.random.choice(["GET", "ELF", "root", "e", "lib"])
        return self.random.choice([f"evt.buffer contains {piece}", f"evt.buffer bcontains {piece.encode().hex()}", f"evt.buffer startswith {piece}",
                                   f"evt.buffer bstartswith {piece.encode().hex()}", "evt.buffer exists"]), ["evt.buffer"]

    def condition(self, depth=0):
        if depth == 3 or self.random.random() < 0.35 + 0.2 * depth:
            return self.check()
        kind = self.random.choice(["and", "or", "not", "and"])
        if kind == "not":
            text, fields = self.condition(depth + 1)
            return self.random.choice([f"not ({text})", f"not({text})", f"not not ({text})"]), fields
        parts = [self.condition(depth + 1) for _ in range(self.random.randrange(2, 4))]
        texts = [f"({text})" if self.random.random() < 0.7 or " or " in text else text for text, _ in parts]
        return f" {kind} ".join(texts), sorted({f for _, fields in parts for f in fields})


def agree(fields, theirs, ours):
    """Whether the engines see the same, as far as can be told from what they show."""
    return all(theirs[f] == ours[f] and not (theirs[f] == "<NA>" and f.startswith(TEXT_OR_NOTHING)) for f in fields)


def differences(filters, answers, ours, base, capture):
    """What the engines say differently, and how much was compared."""
    wrong, compared, true, unknown = [], 0, 0, 0
    for i, (text, fields) in enumerate(filters):
        theirs = their_events(capture, text)
        if theirs is None:
            unknown += 1
            continue
        if isinstance(answers[i], str):
            wrong.append(f"{text}: does not compile here: {answers[i]}")
            continue
        agreed = [n for n in base if n in ours and agree(fields, base[n], ours[n])]
        compared += len(agreed)
        true += sum(n in theirs for n in agreed)
        differing = [n for n in agreed if (n in theirs) != (n in answers[i])]
        if differing:
            n = differing[0]
            wrong.append(f"{text}: {len(differing)} of {len(agreed)} events; {n} is {'true' if n in theirs else 'false'} there: "
                         f"{ {f: base[n][f] for f in fields} }")
    return wrong, compared, true, unknown


@pytest.mark.parametrize("capture", CAPTURES)
def test_filters_are_true_of_the_same_events(capture):
    base = their_events(capture, "")
    maker = Maker(base, SEED + CAPTURES.index(capture))
    filters = [maker.condition() for _ in range(FILTERS // len(CAPTURES))]
    ours, answers = our_answers(capture, [text for text, _ in filters])
    wrong, compared, true, unknown = differences(filters, answers, ours, base, capture)
    assert not wrong, "\n".join(wrong)
    assert unknown < len(filters) // 10, f"{unknown} filters are not known there"
    assert true > compared // 100 and compared > len(filters), (compared, true)
