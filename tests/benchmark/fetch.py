# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fetches a fleet, by the engine and by the shortest loop that can: `fetch.py URL TOKEN ROUNDS NAME …`.

The names are bare, engine, bare-each, engine-each and bare-converge. TOKEN is the partner token; with ``…-each``, that opens only
a first listing, whose time does not count, and each instance is read by its own calls; ``bare-converge`` also changes two webhooks
of each, and lists all again. Prints, as JSON, the number of instances and the seconds of each round, by the names of what was
asked for, which take turns. The start of Python and its imports are not in them.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import requests

from ansible_collections.zapi.zapi.plugins.module_utils._adopt.adopt import ADOPTED, adopt
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, Connection
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

PAGE_SIZE = 100
CONCURRENCY = 8
TIMEOUT = 30
BARE_HOOKS = "https://bare.example.com/"
# The fields and calls of the webhooks that are changed.
CHANGED = {"receivedCallbackUrl": "update-webhook-received", "deliveryCallbackUrl": "update-webhook-delivery"}


def fetch_bare(url: str, token: str) -> list[t.Any]:
    """Fetch and decode all pages, believing in every answer."""
    with requests.Session() as session, ThreadPoolExecutor(CONCURRENCY) as pool:
        session.headers["Authorization"] = f"Bearer {token}"
        session.trust_env = False

        def fetch(page: int) -> t.Any:
            parameters = {"page": page, "pageSize": PAGE_SIZE}
            return session.get(f"{url}/instances", params=parameters, timeout=TIMEOUT).json()

        first = fetch(1)
        rows = list(first["content"])
        for answer in pool.map(fetch, range(2, first["totalPage"] + 1)):
            rows.extend(answer["content"])
        return rows


def fetch_each_bare(url: str, credentials: list[dict[str, str]]) -> list[t.Any]:
    """Read each instance by the calls that the engine makes, on as many threads, believing in every answer."""
    with requests.Session() as session, ThreadPoolExecutor(CONCURRENCY) as pool:
        session.trust_env = False

        def fetch(path: str) -> t.Any:
            return session.get(f"{url}/instances/{path}", timeout=TIMEOUT).json()

        paths = [f"{one['id']}/token/{one['token']}/{call}" for one in credentials for call in ("me", "status")]
        answers = list(pool.map(fetch, paths))
        return [{**me, **status} for me, status in zip(answers[::2], answers[1::2])]


def converge_bare(url: str, token: str) -> list[t.Any]:
    """List all, set what is not as it should be on as many threads as the engine has, and list all again to see that it is."""
    with requests.Session() as session, ThreadPoolExecutor(CONCURRENCY) as pool:
        session.trust_env = False

        def put(change: tuple[str, str]) -> None:
            path, value = change
            session.put(f"{url}/instances/{path}", json={"value": value}, timeout=TIMEOUT).raise_for_status()

        changes = [
            (f"{row['id']}/token/{row['token']}/{call}", BARE_HOOKS + row["id"])
            for row in fetch_bare(url, token)
            for field, call in CHANGED.items()
            if row[field] != BARE_HOOKS + row["id"]
        ]
        list(pool.map(put, changes))
    rows = fetch_bare(url, token)
    # As many as were changed, so that a round in which there was less to do is found out.
    return [row for row in rows if all(row[field] == BARE_HOOKS + row["id"] for field in CHANGED)][: len(changes) // len(CHANGED)]


def fetch_with_engine(url: str, **options: t.Any) -> list[t.Any]:
    defaults = {name: argument.get("default") for name, argument in CONNECTION_ARGUMENTS.items()}
    own = {"timeout": TIMEOUT, "page_size": PAGE_SIZE, "concurrency": CONCURRENCY}
    with Fleet(Connection.from_options({**defaults, **own, "api_url": url, **options})) as fleet:
        return fleet.list().records


def adopt_with_engine(url: str, token: str) -> list[t.Any]:
    """List the fleet and adopt it."""
    records = fetch_with_engine(url, partner_token=token)
    adopt(records, ADOPTED, secrets=Secrets([record.credential.token for record in records if record.credential]))
    return records


def main() -> None:
    url, token, rounds, *names = sys.argv[1:]
    credentials = []
    if any(name.endswith("-each") for name in names):
        credentials = [{"id": row["id"], "token": row["token"]} for row in fetch_bare(url, token)]
    fetchers = {
        "bare": lambda: fetch_bare(url, token),
        "engine": lambda: fetch_with_engine(url, partner_token=token),
        "bare-each": lambda: fetch_each_bare(url, credentials),
        "bare-converge": lambda: converge_bare(url, token),
        "adopt": lambda: adopt_with_engine(url, token),
        "engine-each": lambda: fetch_with_engine(url, credentials=credentials),
    }
    seconds: dict[str, list[float]] = {name: [] for name in names}
    cpu_seconds: dict[str, list[float]] = {name: [] for name in names}
    counts = set()
    for _round in range(int(rounds)):
        for name in names:
            gc.collect()
            begin, cpu_begin = time.perf_counter(), time.process_time()
            rows = fetchers[name]()
            seconds[name].append(time.perf_counter() - begin)
            cpu_seconds[name].append(time.process_time() - cpu_begin)
            counts.add(len(rows))
            del rows
    [count] = counts
    print(json.dumps({"count": count, "seconds": seconds, "cpu_seconds": cpu_seconds}))


if __name__ == "__main__":
    main()
