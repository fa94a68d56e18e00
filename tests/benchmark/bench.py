# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The benchmarks: `make bench`, or `make bench ARGS=--quick` for a short run.

Each compares two ways that run in turns on the same machine, so that the ratios hold elsewhere, too. Nothing here fails
because a machine is slow, except with `--strict`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import signal
import sys
import tempfile
import time
import typing as t
from importlib.metadata import version
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from . import comparisons
    from .processes import BenchmarkError, Workshop

    Work = Callable[[Workshop], comparisons.Row | list[comparisons.Row]]
else:  # as a script
    import comparisons
    from processes import BenchmarkError, Workshop

LICENCE = """\
..
  GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
  {spdx}-License-Identifier: GPL-3.0-or-later
  {spdx}-FileCopyrightText: 2026 zapi.zapi contributors

.. Written by: make bench ARGS="--save FILE"

.. _ansible_collections.zapi.zapi.docsite.benchmark_results:

"""
NOTES = """\
Every line compares two ways that took turns (A, B, A, B, …) against an emulator on the same machine. The result is the
median of the rounds' ratios; the times are medians, and the memory is the largest peak of any one process.

The listing and the audit read pages of 100 instances, 8 at once, from a server that takes 50 milliseconds for each. An
idle task is ``ansible.builtin.ping``. The loops ask for each page with ``ansible.builtin.uri`` and check each instance
with ``ansible.builtin.assert``; they run once, between audits. Of all commands, the whole run counts.

The convergence changes two webhooks of every instance, and reads all back by listing again; so does the thread pool, with 8
concurrent requests. Each of them changes what the other one has set. The adopted fleet has three groups and 50 exceptions.
For the reports, every instance has drifted.

If latency would hide the work, there is none, and processor time is compared (CPU s): fetching and decoding pages, 20
expectations, of which ten have a pattern, and the inventory. The script prints ready JSON, with ``_meta``. The expressions are two
``keyed_groups``, one condition in ``groups`` and one ``compose``, of bare variables; the template engine gets the same
ones in parentheses. The time per host is without the start, which is that of an empty fleet.

Memory is that of the module's own process."""
HEADINGS = ("what", "instances", "result", "target", "met", "first", "second", "rounds")


def plan(quick: bool, rounds: int) -> Iterator[tuple[str, Work]]:
    """Yield what to measure. Long runs get fewer rounds: their noise is small beside them."""
    few, once = max(1, rounds // 2), 1
    small, medium, large = 1_000, 10_000, 100_000

    def sized(work: Callable[..., t.Any], instances: int, times: int) -> tuple[str, Work]:
        name = work.__name__.replace("_", " ").removeprefix("compare ")
        return f"{name}, {instances:,} instances", lambda workshop: work(workshop, instances, times)

    # First, while this process is small: it reads the results of large fleets with drift.
    compared = medium if quick else large
    more = (100, medium, few)
    yield f"credentials' memory, {medium:,} instances", lambda workshop: comparisons.compare_credentials_memory(workshop, *more)
    yield f"memory, {compared:,} instances", lambda workshop: comparisons.compare_memory(workshop, small, compared, few)
    yield sized(comparisons.compare_credentials, small, few)
    yield sized(comparisons.compare_censoring, medium, rounds)
    yield sized(comparisons.compare_listing, small, rounds)
    yield sized(comparisons.compare_listing, medium, rounds)
    yield sized(comparisons.compare_processor_time, medium, rounds)
    yield sized(comparisons.compare_adopt, medium, rounds)
    yield sized(comparisons.compare_audit, small, rounds)
    yield sized(comparisons.compare_audit, medium, rounds)
    yield sized(comparisons.compare_expectations, medium, rounds)
    yield sized(comparisons.compare_reports, medium, few)
    yield sized(comparisons.compare_converge, small, few)
    yield sized(comparisons.compare_converge_in_sync, medium, rounds)
    yield sized(comparisons.compare_inventory, small, rounds)
    yield sized(comparisons.compare_inventory, medium, rounds)
    yield sized(comparisons.compare_audit_with_loops, small, few)
    if quick:
        yield sized(comparisons.compare_expressions, small, few)
        return
    yield sized(comparisons.compare_expressions, medium, once)
    yield sized(comparisons.compare_linearity, small, rounds)
    yield sized(comparisons.compare_listing, large, few)
    yield sized(comparisons.compare_audit, large, few)
    yield sized(comparisons.compare_inventory, large, once)
    yield sized(comparisons.compare_audit_with_loops, medium, few)


def measure(quick: bool, rounds: int, only: str) -> list[comparisons.Row]:
    rows: list[comparisons.Row] = []
    with tempfile.TemporaryDirectory(prefix="zapi-bench-") as folder:
        workshop = Workshop(Path(folder))
        for name, work in plan(quick, rounds):
            if only not in name:
                continue
            print(f"{name} …", end=" ", file=sys.stderr, flush=True)
            begin = time.monotonic()
            found = work(workshop)
            found = found if isinstance(found, list) else [found]
            values = ", ".join(f"{row.value:.2f}{row.unit}" for row in found)
            print(f"{values} ({time.monotonic() - begin:.0f} s)", file=sys.stderr)
            rows.extend(found)
    return rows


def describe_machine() -> str:
    parts = [
        f"{platform.system()} on {platform.machine()} with {os.cpu_count()} CPUs",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"ansible-core {version('ansible-core')}",
        f"requests {version('requests')}",
        f"{dt.datetime.now(tz=dt.timezone.utc):%Y-%m-%d}",
    ]
    return f"{', '.join(parts)}. Other load when it began: {os.getloadavg()[0]:.1f}."


def make_table(rows: Sequence[comparisons.Row]) -> str:
    """Return a simple table of reStructuredText, which is fit to be read as it is."""
    marks = {True: "yes", False: "NO", None: "-"}
    lines = [
        (
            row.what,
            f"{row.instances:,}",
            f"{row.value:.2f}{row.unit}" if row.value < 10 else f"{row.value:.0f}{row.unit}",
            row.target or "-",
            marks[row.met],
            row.first,
            row.second,
            str(row.rounds),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *lines)]
    border = "  ".join("=" * width for width in widths)
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in (HEADINGS, *lines)]
    return "\n".join([border, texts[0], border, *texts[1:], border])


def make_page(machine: str, table: str) -> str:
    title = "Benchmark results"
    return f"{LICENCE.format(spdx='SPDX')}{title}\n{'=' * len(title)}\n\n{machine}\n\n{table}\n\n{NOTES}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares this collection with what it stands in for.")
    parser.add_argument("--quick", action="store_true", help="1,000 and 10,000 instances only")
    parser.add_argument("--rounds", type=int, default=5, help="of each comparison (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="comparisons whose name has this text in it")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the results there, as reStructuredText")
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    options = parser.parse_args()
    if options.save and options.only:
        parser.error("only a run of everything is worth saving")
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    # Asked to stop, what was started is ended first.
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(1))
    machine = describe_machine()
    try:
        rows = measure(options.quick, options.rounds, options.only)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    table = make_table(rows)
    print(f"{machine}\n\n{table}\n\n{NOTES}")
    if options.save:
        options.save.write_text(make_page(machine, table), encoding="utf-8")
    return int(options.strict and any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
