# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What is compared with what. Every function measures its sides in turns and returns rows of the table."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .processes import PARTNER_TOKEN, BenchmarkError, Run, Workshop, own_peak
else:  # as part of a script
    from processes import PARTNER_TOKEN, BenchmarkError, own_peak

FETCH = Path(__file__).with_name("fetch.py")
LATENCY = "latency,seconds=0.05"
PAGE_SIZE = 100
# Prints the credentials of a fleet.
CREDENTIALS = """
import json, sys

folder, url, token = sys.argv[1:]
sys.path.insert(0, folder)
import fetch

print(json.dumps([{"id": row["id"], "token": row["token"]} for row in fetch.fetch_bare(url, token)]))
"""
HOOKS = "https://hooks.example.com/"
# Linearity: how many times as large the larger fleet is.
LINEAR_FACTOR = 30
LARGE_FLEET = 10_000


@dataclass(frozen=True)
class Row:
    """One line of the table: a value, what it should be, and what it was calculated from."""

    what: str
    instances: int
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    # The medians, as text.
    first: str = ""
    second: str = ""
    rounds: int = 1

    @property
    def target(self) -> str:
        if self.most is not None:
            return f"<= {self.most:g}{self.unit}"
        return "" if self.least is None else f">= {self.least:g}{self.unit}"

    @property
    def met(self) -> bool | None:
        if self.most is not None:
            return self.value <= self.most
        return None if self.least is None else self.value >= self.least


# --- Listing ---


def compare_listing(workshop: Workshop, instances: int, rounds: int) -> Row:
    with workshop.emulator(instances, LATENCY) as url:
        return _compare_fetches("listing / bare loop", url, workshop, instances, rounds, "engine", "bare")


def compare_credentials(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare reading each instance by its own calls with a bare thread pool that makes the same calls."""
    with workshop.emulator(instances, LATENCY) as url:
        return _compare_fetches("credentials / bare thread pool", url, workshop, instances, rounds, "engine-each", "bare-each")


def compare_processor_time(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare the processor time of listing with that of fetching and decoding the same pages."""
    with workshop.emulator(instances) as url:
        return _compare_fetches(
            "listing / bare fetch and decode", url, workshop, instances, rounds, "engine", "bare", cpu=True, most=1.7
        )


def compare_adopt(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare listing and adopting a fleet of three groups with 50 exceptions with listing it."""
    fleet = workshop.write("groups.json", json.dumps({"instances": _grouped_fleet(instances, exceptions=50)}))
    with workshop.emulator(instances, LATENCY, fleet=fleet) as url:
        return _compare_fetches("adopt / listing", url, workshop, instances, rounds, "adopt", "engine", most=2.5)


def _grouped_fleet(instances: int, exceptions: int) -> list[dict[str, t.Any]]:
    hooks = [f"https://hooks.{customer}.example.com" for customer in ("acme", "bread", "coffee")]
    fleet = []
    for number in range(instances):
        customer = number % len(hooks)
        identity = f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032X}"
        path = f"old/{number}" if number < exceptions else "received"
        url = f"{hooks[customer]}/{identity}/{path}"
        name = f"{('Acme', 'Bread', 'Coffee')[customer]} {number}"
        fleet.append({"id": identity, "name": name, "receivedCallbackUrl": url, "deliveryCallbackUrl": url})
    return fleet


def _compare_fetches(
    what: str,
    url: str,
    workshop: Workshop,
    instances: int,
    rounds: int,
    first: str,
    second: str,
    *,
    cpu: bool = False,
    most: float = 1.3,
) -> Row:
    # The first round warms up.
    measured = _fetch(workshop, url, instances, rounds + 1, second, first)["cpu_seconds" if cpu else "seconds"]
    ratio = median(one / other for one, other in zip(measured[first][1:], measured[second][1:]))
    firsts, seconds = (f"{median(measured[name][1:]):.2f} {'CPU s' if cpu else 's'}" for name in (first, second))
    return Row(what, instances, ratio, "", most=most, first=firsts, second=seconds, rounds=rounds)


def _fetch(workshop: Workshop, url: str, instances: int, rounds: int, *names: str) -> dict[str, dict[str, list[float]]]:
    """Return the times of each round by their kind and the name of the fetcher."""
    result = json.loads(workshop.run(sys.executable, FETCH, url, PARTNER_TOKEN, str(rounds), *names).output)
    _demand(result["count"] == instances, f"{result['count']} of {instances} instances fetched")
    return t.cast("dict[str, dict[str, list[float]]]", result)


def compare_audit(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare with a module that does nothing, plus the time that the bare fetch of the pages takes."""
    idle = _write_playbook(workshop, "idle", {"ansible.builtin.ping": {}})
    with workshop.emulator(instances, LATENCY) as url:
        audit = _write_audit(workshop, "audit", url, instances, _expectations())

        def measure_floor() -> Run:
            idling = workshop.ansible("ansible-playbook", idle)
            [fetching] = _fetch(workshop, url, instances, 1, "bare")["seconds"]["bare"]
            return idling._replace(seconds=idling.seconds + fetching)

        ours, floor = _take_turns(rounds, lambda: workshop.ansible("ansible-playbook", audit), measure_floor)
    return _row("audit / idle task + bare loop", instances, ours, floor, most=1.35)


def compare_audit_with_loops(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare with what people write today: uri in a loop over the pages, assert in a loop over the instances."""
    with workshop.emulator(instances, LATENCY) as url:
        audit = _write_audit(workshop, "audit", url, instances, _expectations())
        loops = _write_playbook(workshop, "loops", *_looping_tasks(url, instances))

        def run_loops() -> Run:
            # Status 2: some of the generated fleet has drifted, and assert fails.
            run = workshop.ansible("ansible-playbook", loops, statuses=(2,))
            items = run.output.count("=> (item=") + run.output.count("failed: [localhost] (item=")
            wanted = instances + -(-instances // PAGE_SIZE)
            _demand(items == wanted, f"the loops went over {items} items instead of {wanted}")
            return run

        # The loops run once, for minutes; of the audits, half run before and half after them.
        before = [workshop.ansible("ansible-playbook", audit) for _round in range(rounds)]
        loops_run = run_loops()
        after = [workshop.ansible("ansible-playbook", audit) for _round in range(rounds)]
    seconds = median(run.seconds for run in before + after)
    ours = [run._replace(seconds=seconds) for run in before + after]
    # With few instances, the start is most of what the audit takes.
    least = 50 if instances >= LARGE_FLEET else None
    return _row("loops of uri and assert / audit", instances, [loops_run], ours, least=least)


def compare_expectations(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare 20 expectations, ten of them with a pattern, with one. No latency hides the work here."""
    with workshop.emulator(instances) as url:
        many = _write_audit(workshop, "many", url, instances, _many_expectations())
        one = _write_audit(workshop, "one", url, instances, _expectations())
        ours, other = _take_turns(
            rounds,
            lambda: workshop.ansible("ansible-playbook", many),
            lambda: workshop.ansible("ansible-playbook", one),
        )
    return _row("audit with 20 expectations / with one", instances, ours, other, cpu=True, most=1.5)


def compare_reports(workshop: Workshop, instances: int, rounds: int) -> list[Row]:
    """Compare the playbook with reports of a drifted fleet, as five files and as a page, with the same without reports."""
    rows = []
    drift = [{"expect": {"webhooks": {"received": "https://new.example.org/{id}"}}}]
    expectations = workshop.write("drift.json", json.dumps(drift))
    with workshop.emulator(instances) as url:
        variables = {
            "zapi_api_url": url,
            "zapi_partner_token": PARTNER_TOKEN,
            "expectations_file": str(expectations),
            "zapi_fail_on_drift": False,
        }
        command = ("ansible-playbook", "zapi.zapi.audit", "-e")
        for what, endings in (("five reports", ("csv", "json", "md", "prom", "xml")), ("a page", ("html",))):
            files = [str(workshop.folder / f"report.{ending}") for ending in endings]
            ours, other = _take_turns(
                rounds,
                partial(workshop.ansible, *command, json.dumps({**variables, "zapi_report": files})),
                partial(workshop.ansible, *command, json.dumps(variables)),
            )
            rows.append(_row(f"audit with drift and {what} / without", instances, ours, other, cpu=True, most=3))
    return rows


def _expectations() -> list[dict[str, t.Any]]:
    """Return what 84 % of a generated fleet meet."""
    webhooks = {
        "received": f"{HOOKS}{{id}}/received",
        "received_and_delivery": f"{HOOKS}{{id}}/received",
        "presence_chat": None,
    }
    expect = {"whatsapp_connected": True, "payment_status": ["PAID", "TRIAL"], "days_left": 5, "webhooks": webhooks}
    return [{"expect": expect}]


def _many_expectations() -> list[dict[str, t.Any]]:
    """Return 20 that find the same drift as the one above, and that must all be tried on every instance."""
    patterns = ("Pa*", "Farm*", "Pizz*", "*Centro", "*Moema*", "Academia *", "[CO]*", "Auto *", "*0[1-4]*", "*loja*")
    conditions: list[dict[str, str]] = [{"name": pattern} for pattern in patterns]
    conditions += [{"middleware": "web"}] * 5 + [{"middleware": "mobile"}] * 4
    expects = (
        {"middleware": ["web", "mobile"]},
        {"webhooks": {"message_status": f"{HOOKS}{{id}}/message-status"}},
        {"webhooks": {"delivery": f"{HOOKS}{{id}}/delivery"}},
    )
    further = [{"match": match, "expect": expects[n % len(expects)]} for n, match in enumerate(conditions)]
    return _expectations() + further


def _write_audit(workshop: Workshop, name: str, url: str, instances: int, expectations: list[dict[str, t.Any]]) -> Path:
    """Return a playbook that audits, after a first run that also checks that all instances are in the result."""
    task = {
        "zapi.zapi.instance_audit": {
            "api_url": url,
            "partner_token": PARTNER_TOKEN,
            "expectations": expectations,
            "fail_on_drift": False,
        },
    }
    check = {"register": "audit", "failed_when": f"audit.summary.instances | default(0) != {instances}"}
    workshop.ansible("ansible-playbook", _write_playbook(workshop, f"checked-{name}", {**task, **check}))
    return _write_playbook(workshop, name, task)


def _looping_tasks(url: str, instances: int) -> list[dict[str, t.Any]]:
    last = -(-instances // PAGE_SIZE)
    received = f"'{HOOKS}' ~ item.id ~ '/received'"
    return [
        {
            "ansible.builtin.uri": {
                "url": f"{url}/instances?page={{{{ item }}}}&pageSize={PAGE_SIZE}",
                "headers": {"Authorization": f"Bearer {PARTNER_TOKEN}"},
                "return_content": True,
            },
            "loop": f"{{{{ range(1, {last + 1}) | list }}}}",
            "loop_control": {"label": "{{ item }}"},
            "register": "pages",
        },
        {
            "ansible.builtin.assert": {
                "that": [
                    "item.whatsappConnected",
                    "item.paymentStatus in ['PAID', 'TRIAL']",
                    f"item.receivedCallbackUrl == {received}",
                    f"item.receivedAndDeliveryCallbackUrl == {received}",
                    "not item.presenceChatCallbackUrl",
                ],
                "quiet": True,
            },
            "loop": "{{ pages.results | map(attribute='json') | map(attribute='content') | flatten }}",
            "loop_control": {"label": "{{ item.id }}"},
        },
    ]


def _write_playbook(workshop: Workshop, name: str, *tasks: dict[str, t.Any]) -> Path:
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": list(tasks),
    }
    return workshop.write(f"{name}.yml", json.dumps([play]))


# --- Converge ---


def compare_converge(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare the whole command with a bare thread pool that lists, sends the same calls, and lists again.

    Each side sets what the other one does not want, so that both always have two webhooks of each instance to change.
    """
    webhooks = {"received": "https://ours.example.com/{id}", "delivery": "https://ours.example.com/{id}"}
    with workshop.emulator(instances, LATENCY) as url:
        ours = _write_convergence(workshop, "converge", url, [{"expect": {"webhooks": webhooks}}], changed=instances)

        def measure_bare() -> Run:
            run = workshop.run(sys.executable, FETCH, url, PARTNER_TOKEN, "1", "bare-converge")
            result = json.loads(run.output)
            _demand(result["count"] == instances, f"{result['count']} of {instances} instances changed by the bare pool")
            return run._replace(seconds=result["seconds"]["bare-converge"][0])

        first, second = _take_turns(rounds, lambda: workshop.ansible("ansible-playbook", ours), measure_bare)
    return _row("converge / bare thread pool", instances, first, second, most=1.3)


def compare_converge_in_sync(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare with an audit, where there is nothing left to do. No latency hides the work here."""
    webhooks = dict.fromkeys(("received", "received_and_delivery"), f"{HOOKS}{{id}}/received")
    expectations = [{"expect": {"webhooks": {**webhooks, "delivery": f"{HOOKS}{{id}}/delivery", "presence_chat": None}}}]
    with workshop.emulator(instances) as url:
        workshop.ansible("ansible-playbook", _write_convergence(workshop, "first", url, expectations))
        converge = _write_convergence(workshop, "converge", url, expectations, changed=0)
        audit = _write_audit(workshop, "audit", url, instances, expectations)
        ours, other = _take_turns(
            rounds,
            lambda: workshop.ansible("ansible-playbook", converge),
            lambda: workshop.ansible("ansible-playbook", audit),
        )
    return _row("converge in sync / audit", instances, ours, other, cpu=True, most=1.1)


def _write_convergence(
    workshop: Workshop, name: str, url: str, expectations: list[dict[str, t.Any]], changed: int | None = None
) -> Path:
    is_other = "" if changed is None else f" or convergence.summary.changed != {changed}"
    task = {
        "zapi.zapi.instance_converge": {
            "api_url": url,
            "partner_token": PARTNER_TOKEN,
            "expectations": expectations,
            "max_changes": "100%",
        },
        "register": "convergence",
        "failed_when": f"not convergence.complete | default(false){is_other}",
    }
    return _write_playbook(workshop, name, task)


# --- Memory ---


def compare_memory(workshop: Workshop, small: int, large: int, rounds: int) -> list[Row]:
    """Compare the module's own process with a small fleet and with a large one, in sync and not."""
    middleware = [{"expect": {"middleware": ["web", "mobile"], "webhooks": {"received": f"{HOOKS}{{id}}/received"}}}]
    with workshop.emulator(small) as url:
        low = [_module_peak(workshop, url, small, middleware) for _round in range(rounds)]
    with workshop.emulator(large) as url:
        high = [_module_peak(workshop, url, large, middleware) for _round in range(rounds)]
        drifted = [_module_peak(workshop, url, large, _expectations()) for _round in range(rounds)]
    texts = {name: f"{median(peaks):.0f} MiB" for name, peaks in (("low", low), ("high", high), ("drifted", drifted))}
    # The limit is 4 KiB for each instance, whatever else the process needs.
    more = f"audit's memory: more than with {small:,}"
    return [
        Row(f"{more}, all in sync", large, median(high) - median(low), " MiB", most=(large - small) * 4 // 1024,
            first=texts["high"], second=texts["low"], rounds=rounds),
        Row(f"{more}, 16 % drifted", large, median(drifted) - median(low), " MiB",
            first=texts["drifted"], second=texts["low"], rounds=rounds),
    ]  # fmt: skip


def compare_credentials_memory(workshop: Workshop, small: int, large: int, rounds: int) -> Row:
    """Compare the module's own process with few credentials and with many, all in sync."""
    in_sync = [{"expect": {"webhooks": {"received": f"{HOOKS}{{id}}/received"}}}]
    with workshop.emulator(small) as url:
        credentials = _credentials(workshop, url, small)
        low = [_module_peak(workshop, url, small, in_sync, credentials) for _round in range(rounds)]
    with workshop.emulator(large) as url:
        credentials = _credentials(workshop, url, large)
        high = [_module_peak(workshop, url, large, in_sync, credentials) for _round in range(rounds)]
    first, second = (f"{median(peaks):.0f} MiB" for peaks in (high, low))
    return Row(
        f"audit's memory by credentials: more than with {small:,}", large, median(high) - median(low), " MiB", most=40,
        first=first, second=second, rounds=rounds,
    )  # fmt: skip


def compare_censoring(workshop: Workshop, instances: int, rounds: int) -> list[Row]:
    """Compare a module that is given many tokens with one that is given a partner token, where both fail before any request.

    ansible-core looks for each secret in each text of a result: with the square of their number, that would take minutes. What
    grows with their number alone (reading and checking them) is in the ratio, beside the start of Python.
    """
    with workshop.emulator(instances) as url:
        credentials = _credentials(workshop, url, instances)
    rows = []
    for what, wrong in (
        ("an option that ansible-core refuses", {"unmanaged": "x"}),
        ("one that the module refuses", {"page_size": 0}),
    ):
        many, one = (
            {**_AUDIT_OPTIONS, **wrong, **given} for given in ({"credentials": credentials}, {"partner_token": PARTNER_TOKEN})
        )
        ours, other = _take_turns(
            rounds,
            partial(_run_module, workshop, many, (1,)),
            partial(_run_module, workshop, one, (1,)),
        )
        rows.append(_row(f"credentials / partner token, {what}", instances, ours, other, cpu=True, most=2.5))
    return rows


_AUDIT_OPTIONS = {"api_url": "http://127.0.0.1:9", "expectations": [{"expect": {"whatsapp_connected": True}}]}


def _credentials(workshop: Workshop, url: str, instances: int) -> list[dict[str, str]]:
    """Ask the emulator for its instances and their tokens, in a process of its own."""
    found: list[dict[str, str]] = json.loads(
        workshop.run(sys.executable, "-c", CREDENTIALS, FETCH.parent, url, PARTNER_TOKEN).output
    )
    _demand(len(found) == instances, f"{len(found)} of {instances} instances fetched")
    return found


def _run_module(workshop: Workshop, options: Mapping[str, t.Any], statuses: Collection[int] = (0,)) -> Run:
    name = "ansible_collections.zapi.zapi.plugins.modules.instance_audit"
    return workshop.run(sys.executable, "-m", name, stdin=json.dumps({"ANSIBLE_MODULE_ARGS": options}), statuses=statuses)


def _module_peak(
    workshop: Workshop,
    url: str,
    instances: int,
    expectations: list[dict[str, t.Any]],
    credentials: list[dict[str, str]] | None = None,
) -> float:
    opened = {"partner_token": PARTNER_TOKEN} if credentials is None else {"credentials": credentials}
    run = _run_module(workshop, {"api_url": url, "expectations": expectations, "fail_on_drift": False, **opened})
    found = json.loads(run.output)["summary"]["instances"]
    _demand(found == instances, f"the module saw {found} of {instances} instances")
    _demand(run.mebibytes > own_peak(), "the benchmarks' own process has grown too large to measure another one's memory")
    return run.mebibytes


# --- Inventory ---

EXPRESSIONS = {
    "keyed_groups": [
        {"key": "zapi_payment_status", "prefix": "payment"},
        {"key": "zapi_middleware", "prefix": "middleware"},
    ],
    "groups": {"offline": "not zapi_whatsapp_connected"},
    "compose": {"tenant": "zapi_tenant"},
}
# The same, for the template engine: in parentheses, the names are no bare ones.
ENGINE_EXPRESSIONS = {
    "keyed_groups": [
        {"key": "(zapi_payment_status)", "prefix": "payment"},
        {"key": "(zapi_middleware)", "prefix": "middleware"},
    ],
    "groups": {"offline": "(not zapi_whatsapp_connected)"},
    "compose": {"tenant": "(zapi_tenant)"},
}
# ansible-inventory marks text that is not to be templated: a script prints it as it is.
UNMARK = """
import json, sys

def unmark(pairs):
    return pairs[0][1] if len(pairs) == 1 and pairs[0][0] == "__ansible_unsafe" else dict(pairs)

with open(sys.argv[1], encoding="utf-8") as marked, open(sys.argv[2], "w", encoding="utf-8") as plain:
    json.dump(json.load(marked, object_pairs_hook=unmark), plain)
"""


def compare_inventory(workshop: Workshop, instances: int, rounds: int) -> list[Row]:
    """Compare with a script that prints the same hosts and variables, and the expressions with none."""
    with workshop.emulator(instances) as url:
        plain = _write_inventory(workshop, "plain", url)
        rich = _write_inventory(workshop, "rich", url, EXPRESSIONS)
        script = _write_script(workshop, plain)
        ours, other, grouped = _take_turns(
            rounds,
            lambda: _list_hosts(workshop, plain, instances),
            lambda: _list_hosts(workshop, script, instances),
            lambda: _list_hosts(workshop, rich, instances),
        )
    return [
        # With few hosts, there is little but the start of both.
        _row(
            "inventory / script that prints it", instances, ours, other,
            cpu=True, most=1.0 if instances >= LARGE_FLEET else None,
        ),
        _row("inventory with expressions / without", instances, grouped, ours, cpu=True, most=1.5),
    ]  # fmt: skip


def compare_expressions(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare with the same expressions as ansible-core evaluates them."""
    with workshop.emulator(instances) as url:
        rich = _write_inventory(workshop, "rich", url, EXPRESSIONS)
        engine = _write_inventory(workshop, "engine", url, ENGINE_EXPRESSIONS)
        ours, other = _take_turns(
            rounds,
            lambda: _list_hosts(workshop, rich, instances),
            lambda: _list_hosts(workshop, engine, instances),
            warm_up=False,
        )
    return _row("expressions / by the template engine", instances, ours, other, cpu=True)


def compare_linearity(workshop: Workshop, instances: int, rounds: int) -> Row:
    """Compare the time per host with that in a fleet of a 30th, both less what a fleet of none takes."""
    sizes = (0, instances, instances * LINEAR_FACTOR)
    with workshop.emulator(0) as none, workshop.emulator(sizes[1]) as some, workshop.emulator(sizes[2]) as many:
        sources = [_write_inventory(workshop, f"fleet{n}", url) for n, url in zip(sizes, (none, some, many))]
        # The hosts of the small fleet take little beside the start: that needs many rounds.
        empty, small = _take_turns(
            6 * rounds,
            lambda: _list_hosts(workshop, sources[0], sizes[0]),
            lambda: _list_hosts(workshop, sources[1], sizes[1]),
        )
        [large] = _take_turns(rounds, lambda: _list_hosts(workshop, sources[2], sizes[2]))
    start = median(run.cpu_seconds for run in empty)
    each_of_small = median(one.cpu_seconds - other.cpu_seconds for one, other in zip(small, empty)) / sizes[1]
    each_of_large = (median(run.cpu_seconds for run in large) - start) / sizes[2]
    return Row(
        f"inventory: time per host / with {instances:,}", sizes[2], each_of_large / each_of_small, "", most=1.25,
        first=f"{each_of_large * 1e6:.0f} CPU us", second=f"{each_of_small * 1e6:.0f} CPU us", rounds=rounds,
    )  # fmt: skip


def _write_inventory(workshop: Workshop, name: str, url: str, expressions: Mapping[str, t.Any] | None = None) -> Path:
    options = {"plugin": "zapi.zapi.instances", "api_url": url, "partner_token": PARTNER_TOKEN, **(expressions or {})}
    return workshop.write(f"{name}.zapi.yml", json.dumps(options))


def _write_script(workshop: Workshop, source: Path) -> Path:
    """Write an executable inventory that prints ready JSON with the hosts and variables of another inventory."""
    listed, ready = (workshop.folder / name for name in ("listed.json", "ready.json"))
    workshop.ansible("ansible-inventory", "--inventory", source, "--list", "--output", listed)
    workshop.run(sys.executable, "-c", UNMARK, listed, ready)
    program = f"#!{sys.executable}\nprint(open({str(ready)!r}, encoding='utf-8').read())\n"
    script = workshop.write("script.py", program)
    script.chmod(0o700)
    return script


def _list_hosts(workshop: Workshop, source: Path, instances: int) -> Run:
    run = workshop.ansible("ansible", "all", "--list-hosts", "--inventory", source)
    found = re.search(r"hosts \((\d+)\):", run.output)
    seen = int(found[1]) if found else 0
    _demand(seen == instances, f"{seen} of {instances} hosts from {source.name}: {run.output[:1000]}")
    return run


# --- Measuring ---


def _take_turns(rounds: int, *sides: Callable[[], Run], warm_up: bool = True) -> list[list[Run]]:
    """Measure A, B, A, B, …: whatever else the machine does meanwhile meets all sides alike."""
    if warm_up:
        for side in sides:
            side()
    runs = [[side() for side in sides] for _round in range(rounds)]
    return [list(side) for side in zip(*runs)]


def _row(
    what: str,
    instances: int,
    first: list[Run],
    second: list[Run],
    *,
    cpu: bool = False,
    most: float | None = None,
    least: float | None = None,
) -> Row:
    firsts, seconds = ([run.cpu_seconds if cpu else run.seconds for run in runs] for runs in (first, second))
    unit = "CPU s" if cpu else "s"
    texts = [
        f"{median(times):.2f} {unit}, {max(run.mebibytes for run in runs):.0f} MiB"
        for times, runs in ((firsts, first), (seconds, second))
    ]
    ratio = median(one / other for one, other in zip(firsts, seconds))
    return Row(what, instances, ratio, "", most, least, texts[0], texts[1], len(first))


def _demand(condition: bool, problem: str) -> None:
    if not condition:
        raise BenchmarkError(problem)
