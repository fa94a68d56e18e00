#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_adopt
short_description: Write down what a fleet of Z-API instances is today, as expectations
version_added: 0.2.0
author: zapi.zapi contributors (@zapi)
description:
  - Makes expectations that all instances meet as they are, in few lines. Audited at once with M(zapi.zapi.instance_audit), nothing
    drifts, and every later difference is news. It is how one begins with a fleet that is there already.
  - What most instances share is said once. A group of three or more that a pattern of names or a type describes is one
    expectation, and what is left is said by ID. URLs that hold an instance's own ID or name get C({id}) or C({name}) in its place.
  - What cannot be declared is under C(ignore). That is what the API did not tell, a URL with braces of its own, the URL of a webhook
    that is muted while nobody declares that, and a text that holds a token.
  - Look at the result before you rely on it. What is wrong today is in it as well, for instance a webhook that posts to a host of
    nobody's.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.modules
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - The account is read, and O(dest) is not written.
  diff_mode:
    description: Returns details on what has changed, in diff mode.
    support: none
    details:
      - The file holds URLs with their secrets.
options:
  attributes:
    description:
      - What is adopted, by the keys of C(expect).
      - Connection states, payments and settings are not, unless you say so. Today's outages must not become policy unasked.
      - For V(settings), the instances are asked by themselves where the listing does not tell them.
    type: list
    elements: str
    choices:
      - webhook_hosts
      - webhooks
      - settings
      - middleware
      - payment_status
      - whatsapp_connected
      - phone_connected
    default:
      - webhook_hosts
      - webhooks
  only:
    description:
      - IDs and exact names. No other instance is adopted.
      - It is an error where no instance bears one of them.
    type: list
    elements: str
  dest:
    description:
      - The file to write, in YAML, where the module runs. Only its owner can read it. A relative path starts where the command was
        given.
      - A file that is there is an error, unless O(force).
      - It holds the URLs with their secrets. A warning counts those, and C(ansible-vault encrypt) keeps them.
    type: path
  force:
    description:
      - Whether O(dest) may replace a file that is there. One that differs in its date only stays as it is.
    type: bool
    default: false
notes:
  - The result holds URLs with their secrets, and C(-v) would print them. Set C(no_log), as the playbook C(zapi.zapi.adopt) does.
seealso:
  - module: zapi.zapi.instance_audit
"""

EXAMPLES = r"""
- name: Write down what the fleet is
  zapi.zapi.instance_adopt:
    dest: expectations.yml
  no_log: true

- name: Write down what all shops are, with their settings
  zapi.zapi.instance_adopt:
    query: Loja
    attributes: [webhook_hosts, webhooks, settings]
    dest: shops.yml
    force: true
  no_log: true

- name: Make expectations without a file
  zapi.zapi.instance_adopt:
  register: adopted
  no_log: true

- name: Assert that nothing has changed since then
  zapi.zapi.instance_audit:
    expectations: "{{ adopted.expectations }}"
    unmanaged: drift
"""

RETURN = r"""
msg:
  description: How many instances and expectations there are, where they are written, and how many URLs hold secrets.
  returned: always
  type: str
  sample: 340 instances are described by 7 expectations, in /home/ana/fleet/expectations.yml
expectations:
  description:
    - What the fleet is, as O(zapi.zapi.instance_audit#module:expectations) takes it, with the secrets of URLs.
  returned: success
  type: list
  elements: dict
  sample:
    - expect:
        webhook_hosts: [hooks.example.com]
        webhooks:
          received: https://hooks.example.com/{id}/received
    - match:
        name: shop-*
      expect:
        webhooks:
          received: https://hooks.example.com/shops/{id}
summary:
  description:
    - The adoption in numbers. V(instances) is how many there are, V(items) how many expectations describe them (write
      C(summary['items'])), V(secrets) how many URLs in them hold secrets, as far as one can see.
  returned: success
  type: dict
  sample:
    instances: 340
    items: 7
    secrets: 2
"""

import shlex
import time
import typing as t
from contextlib import suppress
from pathlib import Path

from ansible_collections.zapi.zapi.plugins.module_utils._adoption import ADOPTABLE, ADOPTED, adopt, count_secrets
from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS
from ansible_collections.zapi.zapi.plugins.module_utils._document import document
from ansible_collections.zapi.zapi.plugins.module_utils._errors import ListingError, OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, is_private, write_file
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, run
from ansible_collections.zapi.zapi.plugins.module_utils._redaction import without_secrets
from ansible_collections.zapi.zapi.plugins.module_utils._timestamps import iso_8601

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

_DATE = "# Adopted at "


def main() -> None:
    module = Module(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "attributes": {"type": "list", "elements": "str", "choices": list(ADOPTABLE), "default": list(ADOPTED)},
            "only": {"type": "list", "elements": "str"},
            "dest": {"type": "path"},
            "force": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, lambda fleet: _adopt(module, fleet))


def _adopt(module: Module, fleet: Fleet) -> dict[str, t.Any]:
    params, now = module.params, int(time.time() * 1000)
    for name in ("attributes", "only"):
        if params[name] is not None and not params[name]:
            raise OptionError(f"{name} is an empty list: leave it out")
    if params["dest"] is not None:
        check_writable("dest", params["dest"], force=params["force"])
    instances = fleet.adoptable(only=params["only"], settings="settings" in params["attributes"])
    if not instances:
        raise ListingError("the fleet is empty: there is nothing to adopt")
    secrets = [params[name] for name in ("partner_token", "client_token") if params[name]]
    items = adopt(instances, params["attributes"], secrets)
    summary = {"instances": len(instances), "items": len(items), "secrets": count_secrets(items)}
    result = {"changed": False, "expectations": items, "summary": summary}
    where = advice = ""
    if params["dest"] is not None:
        file = str(Path(params["dest"]).absolute())
        text = document(items, _heading(instances, fleet.address, now, params, secrets), _names(instances, secrets))
        result["changed"] = _write(file, text, params["force"], module.check_mode)
        is_planned = module.check_mode and result["changed"]
        where = f"; {file} would be written" if is_planned else f", in {file}"
        advice = f": ansible-vault encrypt {shlex.quote(file)}"
        if summary["secrets"] and not is_planned:
            module.warn(f"{_secrets(summary)} in {file}{advice}")
    result["msg"] = _message(summary) + where + (f"; {_secrets(summary)}{advice}" if summary["secrets"] else "")
    return result


def _write(file: str, text: str, force: bool, check_mode: bool) -> bool:
    """Write the file unless it says the same already, and return whether it was."""
    with suppress(OSError):  # where it cannot be read, writing it tells why
        if force and is_private(file) and _without_date(Path(file).read_bytes()) == _without_date(text.encode()):
            return False
    if not check_mode:
        write_file("dest", file, text, force=force)
    return True


def _without_date(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if not line.startswith(_DATE.encode())]


def _heading(
    instances: list[Instance], address: str, now: int, params: t.Mapping[str, t.Any], secrets: t.Sequence[str]
) -> list[str]:
    tenant, *others = {instance["tenant"] for instance in instances}
    account = address
    if tenant is not None and not others:
        tokens = [token for instance in instances for token in instance["tokens"]]
        account = f"tenant {without_secrets(tenant, [*tokens, *secrets], tenant)} at {address}"
    narrowed = [name for name in ("query", "middleware", "only") if params[name]]
    return [
        f"{_DATE[2:]}{iso_8601(now)} by zapi.zapi.instance_adopt",
        f"Account: {account}",
        f"Instances: {len(instances)}" + (f", a part of them ({', '.join(narrowed)})" if narrowed else ""),
    ]


def _names(instances: list[Instance], secrets: list[str]) -> dict[str, str]:
    """Return the names of instances by id, without the tokens that may be in them."""
    return {
        instance["id"]: without_secrets(instance["name"], [*instance["tokens"], *secrets], instance["name"])
        for instance in instances
    }


def _message(summary: t.Mapping[str, int]) -> str:
    instances = _counted(summary["instances"], "instance is", "instances are")
    return f"{instances} described by {_counted(summary['items'], 'expectation', 'expectations')}"


def _secrets(summary: t.Mapping[str, int]) -> str:
    return _counted(summary["secrets"], "URL holds a secret", "URLs hold secrets")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


if __name__ == "__main__":
    main()
