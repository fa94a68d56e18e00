# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fetches a fleet, by the engine and by the shortest loop that can: `fetch.py URL TOKEN ROUNDS bare|engine …`.

Prints, as JSON, the number of instances and the seconds of each round, by the names of what was asked for, which take
turns. The start of Python and its imports are not in them.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import requests

from ansible_collections.zapi.zapi.plugins.module_utils._connection import Connection
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet

PAGE_SIZE = 100
CONCURRENCY = 8
TIMEOUT = 30


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


def fetch_with_engine(url: str, token: str) -> list[t.Any]:
    connection = Connection(
        partner_token=token,
        api_url=url,
        validate_certs=True,
        ca_path=None,
        timeout=TIMEOUT,
        retries=3,
        page_size=PAGE_SIZE,
        concurrency=CONCURRENCY,
        query=None,
        middleware=None,
    )
    with Fleet(connection) as fleet:
        instances: list[t.Any] = fleet.instances()
        return instances


FETCHERS = {"bare": fetch_bare, "engine": fetch_with_engine}


def main() -> None:
    url, token, rounds, *names = sys.argv[1:]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    counts = set()
    for _round in range(int(rounds)):
        for name in names:
            gc.collect()
            begin = time.perf_counter()
            rows = FETCHERS[name](url, token)
            seconds[name].append(time.perf_counter() - begin)
            counts.add(len(rows))
            del rows
    [count] = counts
    print(json.dumps({"count": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
