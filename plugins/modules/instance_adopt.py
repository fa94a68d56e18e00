#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_adopt
short_description: Write expectations that a fleet of Z-API instances meets
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Returns expectations that all instances meet today, in few lines. If you audit the fleet with them at once, nothing drifts, and
    every later difference is drift. Use it to start with an existing fleet.
  - Values that most instances have are declared once. At least three instances that share a beginning of their names, or a type, can
    have an expectation of their own. All other values are declared by ID. The instance's own ID and name in URLs become C({id}) and
    C({name}).
  - Values that cannot be declared are listed under C(ignore) with the IDs. These are values that the API did not return, webhooks that
    are muted, and texts that contain a token or braces.
  - Review the result before you use it. It also contains what is wrong today, such as a webhook that posts to an unknown host.
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
      - The file can contain URLs with secrets.
options:
  attributes:
    description:
      - The attributes to adopt, by the keys of C(expect).
      - Connection states, payments, and settings are not adopted by default, so that a current outage does not become an expectation.
      - For V(settings), instances are asked for what the listing did not return.
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
      - IDs and exact names. Only these instances are adopted.
      - If no instance has an ID or name, the task fails with the nearest name that exists.
    type: list
    elements: str
  secrets:
    description:
      - What to do about secrets in URLs.
      - V(keep) writes URLs as they are.
      - V(any) writes C({any}) for random-looking path segments, and for query values that look random or whose key is one such as
        C(token), C(secret), or C(key). The audit then accepts any value there. M(zapi.zapi.instance_converge) never overwrites a URL
        that matches, and cannot set one. A move to a new host needs V(keep).
    type: str
    choices:
      - keep
      - any
    default: keep
  dest:
    description:
      - The YAML file to write, on the host that the module runs on. Only its owner can read it. A relative path starts in the working
        directory of the command.
      - If the file exists, the task fails, unless you set O(force).
      - With O(secrets=keep), it contains the secrets of URLs. A warning counts them. Before you commit the file, use O(secrets=any) or
        encrypt it with C(ansible-vault encrypt).
    type: path
  force:
    description:
      - Whether to replace an existing O(dest). A file that differs only in its date stays as it is.
    type: bool
    default: false
notes:
  - The result contains the URLs as they are written, which C(-v) prints. Set C(no_log) as the playbook C(zapi.zapi.adopt) does.
seealso:
  - module: zapi.zapi.instance_audit
"""

EXAMPLES = r"""
- name: Write expectations that the fleet meets
  zapi.zapi.instance_adopt:
    dest: expectations.yml
  no_log: true

- name: Write a file that is safe to commit
  zapi.zapi.instance_adopt:
    secrets: any
    dest: expectations-to-commit.yml
  no_log: true

- name: Write expectations for all shops, with their settings
  zapi.zapi.instance_adopt:
    query: Loja
    attributes: [webhook_hosts, webhooks, settings]
    dest: shops.yml
    force: true
  no_log: true

- name: Get expectations without a file
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
  description:
    - The number of instances and expectations, the file, and the number of URLs with secrets. With O(secrets=any), the hosts and paths
      that are written as they are.
  returned: always
  type: str
  sample: 340 instances are described by 7 expectations, in /home/ana/fleet/expectations.yml
reason:
  description: The same reason as in C(msg) for programs, a mapping with C(code) and C(values).
  returned: if the fleet could not be listed
  type: dict
  sample:
    code: timeout
    values: {request: GET /instances, server: "api.z-api.io:443", seconds: 30.0, attempts: 4}
expectations:
  description:
    - The list that O(zapi.zapi.instance_audit#module:expectations) takes, including the secrets of URLs.
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
  description: The counts.
  returned: success
  type: dict
  contains:
    instances:
      description: The number of instances.
      returned: always
      type: int
    expectations:
      description: The number of expectations that describe them.
      returned: always
      type: int
    secrets:
      description: The number of URLs in the expectations that contain a recognized secret.
      returned: always
      type: int
  sample:
    instances: 340
    expectations: 7
    secrets: 2
"""

import re
import typing as t
from contextlib import suppress

from ansible_collections.zapi.zapi.plugins.module_utils._adopt.adopt import ADOPTABLE, ADOPTED, adopt
from ansible_collections.zapi.zapi.plugins.module_utils._audit import select, unknown_terms, unknown_terms_text
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import check_terms
from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import iso_8601
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, is_private, write_file
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, current_time, without_settings
from ansible_collections.zapi.zapi.plugins.module_utils._policy.document import document
from ansible_collections.zapi.zapi.plugins.module_utils._report.adoption import adopt_message, left_text, secrets_text

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

_DATE = "Adopted at "


def main() -> None:
    module = Module.with_connection(
        {
            "attributes": {"type": "list", "elements": "str", "choices": list(ADOPTABLE), "default": list(ADOPTED)},
            "only": {"type": "list", "elements": "str"},
            "secrets": {"type": "str", "choices": ["keep", "any"], "default": "keep", "no_log": False},
            "dest": {"type": "path"},
            "force": {"type": "bool", "default": False},
        }
    )
    try:
        result = _adopt(module)
    except ZapiError as error:
        result = module.failure(error)
    module.end(result)


def _adopt(module: Module) -> dict[str, t.Any]:
    params = module.params
    if not params["attributes"]:
        raise OptionError("attributes is an empty list: leave it out to adopt webhook_hosts and webhooks")
    check_terms(params["only"])
    path = None if params["dest"] is None else check_writable("dest", params["dest"], force=params["force"])
    with Fleet(module.connection()) as fleet:
        records, secrets = _records_and_secrets(fleet, params)
    is_any = params["secrets"] == "any"
    adoption = adopt(records, params["attributes"], secrets=secrets, any_secrets=is_any)
    summary = {"instances": len(records), "expectations": len(adoption.expectations), "secrets": adoption.secrets}
    result: dict[str, t.Any] = {"changed": False, "expectations": adoption.expectations, "summary": summary}
    if path is not None:
        names = {record.instance["id"]: secrets.mask(record.instance["name"]) for record in records}
        heading = _heading(records, fleet.api_url, params, secrets)
        text = document(adoption.expectations, heading, names, adoption.comments)
        result["changed"] = not (params["force"] and _is_same(path, text))
        if result["changed"] and not module.check_mode:
            write_file("dest", str(path), text, force=params["force"])
        if adoption.secrets:
            module.warn(secrets_text(adoption.secrets, str(path), is_any=is_any))
    is_planned = module.check_mode and bool(result["changed"])
    file = None if path is None else str(path)
    result["msg"] = "\n".join([adopt_message(summary, file, is_planned=is_planned), *left_text(adoption.left)])
    return result


def _records_and_secrets(fleet: Fleet, params: t.Mapping[str, t.Any]) -> tuple[list[Record], Secrets]:
    """Return the records to adopt, with their settings if these are adopted, and the secrets of the whole fleet."""
    # A URL can contain the token of another instance. With credentials, all of them are known without a listing.
    listing = fleet.list(only=None if fleet.has_middleware else params["only"])
    fleet.refuse_rejected(listing)
    records = listing.records
    if params["only"] is not None:
        records, unmatched = select(records, params["only"])
        if unmatched:
            raise OptionError(
                f"only: {unknown_terms_text(unknown_terms(listing.records, unmatched), fleet.secrets(listing.records))}"
            )
    if not records:
        raise OptionError("the fleet is empty: there is nothing to adopt")
    if "settings" in params["attributes"]:
        records = fleet.complete(records, {"me": without_settings(records)})
    return records, fleet.secrets([*listing.records, *records])


def _heading(records: t.Sequence[Record], api_url: str, params: t.Mapping[str, t.Any], secrets: Secrets) -> list[str]:
    tenant, *others = {record.instance["tenant"] for record in records}
    # Editors find their directives behind a colon (vim: set …): the tenant loses what makes one, as names do.
    shown = None if tenant is None or others else " ".join(re.sub('[:#"]', " ", secrets.mask(tenant)).split())
    account = api_url if shown is None else f'tenant "{shown}" at {api_url}'
    narrowed = [name for name in ("query", "middleware", "only") if params[name]]
    return [
        f"{_DATE}{iso_8601(current_time())} by zapi.zapi.instance_adopt",
        f"Account: {account}",
        f"Instances: {len(records)}" + (f", a part of them ({', '.join(narrowed)})" if narrowed else ""),
    ]


def _is_same(path: Path, text: str) -> bool:
    """Return whether the file differs from the text in its date at most."""
    with suppress(OSError):  # if it cannot be read, writing it reports why
        return is_private(path) and _without_date(path.read_bytes()) == _without_date(text.encode())
    return False


def _without_date(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if not line.startswith(f"# {_DATE}".encode())]


if __name__ == "__main__":
    main()
