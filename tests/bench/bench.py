#!/usr/bin/env python3
"""Every benchmark as one table, floors measured in the same run, medians with quartiles.

Usage: bench.py BUILD_DIR [--json FILE] [--quick] [--only NAME]...
Needs root and a kernel with BPF. Repetitions of the variants are interleaved, because the machine is
shared: compare the ratios, not the nanoseconds.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))


# A file's first sighting counts as learned at once, so that what is measured is the steady state.
LEARNS_AT_ONCE = ("learning.hold_s=1", "learning.epoch_s=3600")


PROGRAM_ARGUMENTS = {
    "bench_learning": [ROOT / "etc/dimensions/default.yaml"],
    "bench_rules": [ROOT / "etc/rules/ethogram_rules.yaml"],
    "bench_history": [ROOT / "etc/rules/ethogram_rules.yaml"],
}
OWN_FUNCTION = ["bench_mix"]  # programs that bench_programs leaves alone

# The reference captures and upstream's rules, kept beside the project.
REFERENCE = ROOT.parent / "shared/reference"
UPSTREAM_RULES = [REFERENCE / "rules" / name for name in ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")]


class Bench:
    def __init__(self, build, quick):
        self.build = build
        self.is_quick = quick
        self.repetitions = 3 if quick else 5
        self.seconds = 3 if quick else 5
        self.rows = []
        self.scratch = Path(tempfile.mkdtemp(prefix="ethogram-bench-"))
        self.work = build / "tests/bench/work"

    # -- variants: what is attached while the work runs --

    def nothing(self):
        return lambda: None

    def floor(self, what):
        process = subprocess.Popen(
            [self.build / "tests/bench/floor", self.build / "tests/bench/floor.bpf.o", *what],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        assert process.stdout.readline().strip() == "attached"

        def end():
            process.stdin.close()
            process.wait()

        return end

    def daemon(self, *settings):
        from system_harness import Daemon

        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        daemon = Daemon(folder, settings)
        daemon.start()
        return daemon

    def ours(self, *settings):
        return self.measured_daemon(*settings).stop

    # -- helpers --

    def run(self, *arguments):
        done = subprocess.run(["taskset", "-c", "0", self.work, *map(str, arguments)], capture_output=True, text=True, check=True)
        return float(done.stdout.split()[0])

    def compare(self, title, unit, arguments, variants, target):
        """Time the work under each variant, interleaved; a row a variant, added over the first."""
        values = {name: [] for name in variants}
        for _ in range(self.repetitions):
            for name, start in variants.items():
                end = start()
                time.sleep(0.3)
                values[name].append(self.run(*arguments))
                end()
        base = statistics.median(values["nothing"])
        added = {n: [v - base for v in vs] for n, vs in values.items()}
        floor = statistics.median(added["floor"])
        for name in variants:
            if name == "nothing":
                continue
            median = statistics.median(added[name])
            q1, _, q3 = statistics.quantiles(added[name], n=4)
            goal = target.get(name) if isinstance(target, dict) else target if name == "ours" else None
            self.row(
                f"{title}, {name}", median, unit, quartiles=(q1, q3), ratio=median / floor if name != "floor" else None, target=goal,
            )

    def row(self, name, value, unit, quartiles=None, ratio=None, target=None):
        row = {"name": name, "value": value, "unit": unit, "quartiles": quartiles, "ratio": ratio, "target": target}
        self.rows.append(row)
        quart = f"[{quartiles[0]:.4g} .. {quartiles[1]:.4g}]" if quartiles else ""
        times = f"{ratio:.2f} x floor" if ratio is not None else ""
        print(f"{name:58s} {value:12.4g} {unit:10s} {quart:22s} {times:16s} {target or ''}", flush=True)

    # -- benchmarks --

    def bench_uncaptured(self):
        self.compare(
            "added to a call nobody needs", "ns", ["getpid"],
            {"nothing": self.nothing, "floor": lambda: self.floor([]), "ours": self.ours}, "<= 1.1 x floor",
        )

    def bench_openclose(self):
        target = self.scratch / "file"
        target.write_text("x")
        self.compare(
            "added to open + close", "ns", ["openclose", target],
            {
                "nothing": self.nothing, "floor": lambda: self.floor([]), "close not sent": self.ours,
                "close sent": lambda: self.ours("capture.events.add=[close]"),
            },
            {"close not sent": "<= 500 ns", "close sent": "<= 650 ns"},
        )

    def bench_openfailed(self):
        """An open that nobody can use is told by its result and dropped before any work."""
        missing = self.scratch / "missing"
        self.compare(
            "added to a failed open (and close)", "ns", ["openclose", missing],
            {
                "nothing": self.nothing, "floor": lambda: self.floor([]), "dropped in the kernel": self.ours,
                "without push-down": lambda: self.ours("capture.push_down=off"),
            },
            {},
        )

    def bench_connect(self):
        self.compare(
            "added to socket + connect + accept + 2 closes", "ns", ["connect"],
            {"nothing": self.nothing, "floor": lambda: self.floor([]), "ours": self.ours}, "<= 2000 ns",
        )

    def bench_exec(self):
        self.compare(
            "added to vfork + exec + exit, static", "ns", ["exec", self.build / "tests/bench/nothing"],
            {"nothing": self.nothing, "floor": lambda: self.floor(["all"]), "ours": self.ours}, "<= 8000 ns",
        )

    def measured_daemon(self, *settings):
        """A daemon on the second CPU, that the work on the first does not share."""
        daemon = self.daemon(*settings)
        if (os.cpu_count() or 1) > 1:
            subprocess.run(["taskset", "-a", "-cp", "1", str(daemon.process.pid)], stdout=subprocess.DEVNULL, check=True)
        return daemon

    @staticmethod
    def counters(daemon):
        status = daemon.get("/v1/status")
        return status["cpu_s"], status["capture"]["events_total"], status["capture"]["dropped_total"]

    def cpu_per_event(self, work, settings=LEARNS_AT_ONCE):
        """CPU microseconds per event while the work runs, of every repetition; made, lost, seconds."""
        daemon = self.measured_daemon(*settings)
        results = []
        made, lost, elapsed = 0, 0, 0.0
        for repetition in range(self.repetitions + 1):
            before = self.counters(daemon)
            done = subprocess.run(
                ["taskset", "-c", "0", self.work, *map(str, work), str(self.seconds)],
                capture_output=True, text=True, check=True,
            )
            time.sleep(0.3)
            after = self.counters(daemon)
            if repetition == 0:
                continue  # what is learned in the first is known in the others
            n, took = done.stdout.split()
            made += int(n)
            elapsed += float(took)
            lost += after[2] - before[2]
            results.append((after[0] - before[0]) / max(after[1] - before[1], 1) * 1e6)
        daemon.stop()
        return results, made, lost, elapsed

    def row_of(self, name, results, unit, target=None):
        q1, median, q3 = statistics.quantiles(results, n=4)
        self.row(name, median, unit, (q1, q3), target=target)

    def known_file(self):
        target = self.scratch / "file"
        target.write_text("x")
        return target

    def bench_rate(self):
        work = ["opens", self.known_file(), 20000]
        results, _, lost, _ = self.cpu_per_event(work)
        self.row_of("CPU of the daemon per event, 20,000 opens/s", results, "us", "<= 1.3 us")
        self.row("lost at 20,000 opens/s", lost, "events", target="0")
        results, _, _, _ = self.cpu_per_event(work, settings=())
        self.row_of("  the same while the file is still pending", results, "us")

    def bench_full_speed(self):
        results, made, lost, elapsed = self.cpu_per_event(["opens", self.known_file(), 0])
        self.row_of("CPU of the daemon per event, full speed", results, "us", "<= 0.9 us")
        self.row("opens made at full speed", made / elapsed, "1/s")
        self.row("lost at full speed", lost, "events", target="0")

    def bench_exec_rate(self):
        """What the daemon takes for each exec, with its fork and exit; beside it the same less what it takes idle."""
        work = ["execs", self.build / "tests/bench/nothing", 150]
        daemon = self.measured_daemon(*LEARNS_AT_ONCE)
        time.sleep(1)
        results, idle = [], []
        for _ in range(self.repetitions):
            start = self.counters(daemon)
            time.sleep(self.seconds)
            idle.append((self.counters(daemon)[0] - start[0]) / self.seconds)
            before = self.counters(daemon)
            done = subprocess.run(
                ["taskset", "-c", "0", self.work, *map(str, work), str(self.seconds)],
                capture_output=True, text=True, check=True,
            )
            time.sleep(0.3)
            after = self.counters(daemon)
            results.append((after[0] - before[0], *map(float, done.stdout.split())))
        daemon.stop()
        self.row_of("CPU of the daemon per exec, 150/s", [cpu / n * 1e6 for cpu, n, _ in results], "us", "<= 60 us")
        rest = statistics.median(idle)
        self.row_of("  less what it takes when idle", [(cpu - rest * took) / n * 1e6 for cpu, n, took in results], "us", "<= 40 us")

    def bench_two_producers(self):
        """Two processes that open a file as fast as they can: every successful open is an event."""
        daemon = self.daemon()
        target = self.known_file()
        seconds = 15 if self.is_quick else 60
        before = self.counters(daemon)
        processes = [
            subprocess.Popen([self.work, "opens", target, "0", str(seconds)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        outputs = [p.communicate()[0].split() for p in processes]
        time.sleep(1)
        after = self.counters(daemon)
        daemon.stop()
        made = sum(int(o[0]) for o in outputs)
        self.row(f"two processes opening at full speed, {seconds} s: opens made", made, "events")
        self.row("  a second", made / seconds, "1/s")
        self.row("  events seen (the host's others among them)", after[1] - before[1], "events", target=">= made")
        self.row("  events lost", after[2] - before[2], "events", target="0")
        self.row("  CPU of the daemon per event", (after[0] - before[0]) / max(after[1] - before[1], 1) * 1e6, "us")

    def bench_reload(self):
        """Reloads of all upstream rules, every third of a broken file, while a file is opened 40,000 times a second."""
        reference = ROOT.parent / "shared/reference/rules"
        upstream = [reference / f"{name}_rules.yaml" for name in ("falco", "falco-incubating", "falco-sandbox")]
        own = self.scratch / "reload.yaml"
        good = "- rule: creations\n  desc: d\n  condition: evt.type = creat and fd.name = never\n  output: x\n  priority: INFO\n"
        own.write_text(good)
        files = ",".join(str(f) for f in [*upstream, own] if f.exists())
        daemon = self.daemon(f"rules.files=[{files}]", *LEARNS_AT_ONCE)
        token = (daemon.folder / "token").read_text().strip()
        time.sleep(25)  # what the start took is not lately any more
        seconds = 10 if self.is_quick else 30
        quiet = daemon.get("/v1/status")["pauses"]
        load = subprocess.Popen([self.work, "creats", self.known_file(), "40000", str(seconds)], stdout=subprocess.PIPE, text=True)
        longest, cpu, batch, reloads, took = 0.0, 0.0, 0.0, 0, []
        while load.poll() is None:
            own.write_text("- rule: [" if reloads % 3 == 2 else good)
            start = time.monotonic()
            daemon.request("POST", "/v1/rules/reload", token=token)
            took.append(time.monotonic() - start)
            pauses = daemon.get("/v1/status")["pauses"]
            cpu = max(cpu, pauses["recent_cpu_s"])
            longest, batch = max(longest, pauses["recent_s"]), max(batch, pauses["recent_batch_s"])
            reloads += 1
        made = int(load.communicate()[0].split()[0])
        time.sleep(1.5)
        status = daemon.get("/v1/status")
        daemon.stop()
        self.row("reload: worst pause", longest * 1000, "ms", target="<= 5 ms")
        self.row("  CPU time of the worst", cpu * 1000, "ms", target="<= 5 ms")
        self.row("  worst pause without reloads or load", quiet["recent_s"] * 1000, "ms")
        self.row("  longest batch of events", batch * 1000, "ms")
        self.row("  reloads, of them refused as meant", reloads, "", target=f"{status['rules']['reloads_refused_total']}")
        self.row_of("  request to answer", took, "s")
        self.row("  events lost", status["capture"]["dropped_total"], "events", target="0")
        self.row("  events made and not seen", made - status["capture"]["by_type"]["creat"]["seen"], "events", target="<= 0")

    @staticmethod
    def pss_mib(daemon):
        """Proportional set size without the mappings shared with the BPF programs."""
        pss = 0
        is_ring = False
        for line in Path(f"/proc/{daemon.process.pid}/smaps").read_text().splitlines():
            if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
                is_ring = "bpf" in line
            elif line.startswith("Pss:") and not is_ring:
                pss += int(line.split()[1])
        return pss / 1024

    def bench_memory(self):
        daemon = self.daemon()
        time.sleep(2)
        status = daemon.get("/v1/status")
        self.row("memory (PSS without ring mappings), idle", self.pss_mib(daemon), "MiB", target="<= 50 MiB")
        self.row("ring buffers", status["memory"]["ring_bytes"] / 2**20, "MiB")
        many = subprocess.Popen([self.work, "processes", "4000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        many.stdout.readline()
        time.sleep(2)
        self.row("memory, 4,000 processes more", self.pss_mib(daemon), "MiB")
        many.stdin.close()
        many.wait()
        daemon.stop()

    def bench_start(self):
        times = []
        for _ in range(self.repetitions):
            from system_harness import Daemon

            folder = Path(tempfile.mkdtemp(dir=self.scratch))
            one = Daemon(folder)
            start = time.monotonic()
            one.start(every_s=0.005)
            times.append(time.monotonic() - start)
            one.stop()
        self.row_of("start: exec to /readyz 200", times, "s", "<= 0.5 s")

    def bench_idle(self):
        daemon = self.daemon()
        time.sleep(3)
        before, start = daemon.get("/v1/status")["cpu_s"], time.monotonic()
        time.sleep(20 if self.is_quick else 60)
        used = daemon.get("/v1/status")["cpu_s"] - before
        elapsed = time.monotonic() - start
        daemon.stop()
        self.row("idle, share of a core", used / elapsed * 100, "%", target="<= 0.1 %")

    def rows_of(self, *command):
        """Rows of a program that prints name, value, unit, target by tabs."""
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            name, value, unit, target = (line.split("\t") + [""] * 4)[:4]
            self.row(name, float(value), unit, target=target)

    def record_mix(self):
        """A recording of what a busy host does; see mix.sh."""
        capture, folder = self.scratch / "busy-host.scap", self.scratch / "mix"
        folder.mkdir()
        recorder = subprocess.Popen(
            [self.build / "ethogram", "record", "-w", capture], stderr=subprocess.PIPE, text=True,
        )
        try:
            time.sleep(2)
            subprocess.run(
                ["sh", ROOT / "tests/bench/mix.sh", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        finally:
            recorder.send_signal(signal.SIGINT)
            print(recorder.communicate(timeout=60)[1].strip(), file=sys.stderr)
        return capture

    def bench_mix(self):
        """What rules cost over the reference captures and a recording made now."""
        captures = sorted((REFERENCE / "scap").glob("*.scap"))
        if not captures or not all(rules.exists() for rules in UPSTREAM_RULES):
            print(f"no captures and rules in {REFERENCE}: rules are not timed over them", file=sys.stderr)
            return
        captures.append(self.record_mix())
        self.rows_of(self.build / "tests/bench/bench_mix", *UPSTREAM_RULES, "--", *captures)
        self.rows_of(self.build / "tests/bench/bench_rules", *UPSTREAM_RULES)

    def bench_programs(self):
        """Benchmarks that are programs of their own: each prints name, value, unit, target by tabs."""
        for program in sorted((self.build / "tests/bench").glob("bench_*")):
            if not os.access(program, os.X_OK) or program.is_dir() or program.name in OWN_FUNCTION:
                continue
            self.rows_of(program, *PROGRAM_ARGUMENTS.get(program.name, []))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append")
    args = parser.parse_args()
    os.environ["ETHOGRAM_BUILD"] = str(args.build.resolve())
    bench = Bench(args.build.resolve(), args.quick)
    try:
        for name in [n for n in dir(bench) if n.startswith("bench_")]:
            if not args.only or name[len("bench_"):] in args.only:
                getattr(bench, name)()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    if args.json:
        args.json.parent.mkdir(exist_ok=True)
        args.json.write_text(json.dumps(bench.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
