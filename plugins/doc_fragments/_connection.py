# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The options and attributes that the content of this collection shares."""

from __future__ import annotations


class ModuleDocFragment:
    # Options of every door.
    DOCUMENTATION = r"""
options:
  partner_token:
    description:
      - The partner token of the Z-API account, which is sent as a bearer token. Needed unless O(credentials) are given.
      - In accounts of up to 25 instances, the account's security token does as well. Z-API's panel shows it under C(Segurança).
      - The token is never shown, whatever happens. White space around it is ignored. One of fewer than eight characters is refused.
      - Where it is not set, it is taken from the environment variable E(ZAPI_PARTNER_TOKEN); modules look for it on the host that
        they run on. The lookup and the inventory plugin also read the variable C(zapi_partner_token), and template it. What comes
        from the environment, or as an argument of the lookup, is never taken for a template.
    type: str
  credentials:
    description:
      - The fleet of somebody who has no partner token. A list with an entry for each instance, a dictionary with C(id) and C(token),
        both text.
      - Each instance is read by its own calls, in the order given. They do not tell C(middleware) and C(tenant), which are null.
      - Where it is given, no partner token is used, and O(query) and O(middleware) are errors.
      - An instance whose credential the server refuses is missing. M(zapi.zapi.instance_audit) has a row for it, and everything else
        fails, naming each of them.
      - No token in it is ever shown. The lookup and the inventory plugin also read the variable C(zapi_credentials), and template
        it, with the tokens in it.
    type: raw
  client_token:
    description:
      - The account's security token, which is sent as C(Client-Token) with an instance's own calls, and with no others. Needed once
        it is switched on in the account.
      - Where it is not set, it is taken from the environment variable E(ZAPI_CLIENT_TOKEN). The lookup and the inventory plugin also
        read the variable C(zapi_client_token), and template it.
    type: str
  api_url:
    description:
      - The address of the API.
      - Must be C(https), except that plain C(http) is accepted for loopback addresses, such as an emulator's.
      - It ends before C(/instances). An address that holds an instance's call, or what looks like a token, is refused.
      - Where it is not set, it is taken from the environment variable E(ZAPI_API_URL).
    type: str
    default: https://api.z-api.io
  validate_certs:
    description:
      - Whether to check the server's TLS certificate.
    type: bool
    default: true
  ca_path:
    description:
      - A file, or a directory, of CA certificates to check the server's certificate with.
      - Without it, the environment variable E(REQUESTS_CA_BUNDLE) or the certificates of the C(requests) library are used.
    type: path
  timeout:
    description:
      - How many seconds to wait for a connection, and each time for the server's next words.
      - A request as a whole is cut off at ten times this, and is then not tried again.
    type: float
    default: 30
  retries:
    description:
      - How often to try a request again, 100 times at most, after a connection failure or the statuses 429, 500, 502, 503 and 504.
      - The pauses double from try to try, with jitter. A C(Retry-After) of the server is honoured up to 60 seconds; a longer
        one fails at once.
    type: int
    default: 3
  page_size:
    description:
      - How many instances to ask for at once. The server may answer with fewer, which is noticed.
    type: int
    default: 100
  concurrency:
    description:
      - How many calls to have under way at the same time. Where the system gives fewer threads, they are fewer.
    type: int
    default: 8
  query:
    description:
      - Lists only those instances that the server finds for this text, in their names and IDs.
    type: str
  middleware:
    description:
      - Lists only instances of this type.
    type: str
    choices:
      - web
      - mobile
  list_twice:
    description:
      - Whether to list until two listings in a row name the same instances. That finds an instance which goes while another one
        comes, so that every count stays the same, at the price of a second listing.
    type: bool
    default: false
notes:
  - The listing is complete, or it is an error. Every instance comes exactly once, in the API's order.
  - An answer is at most 64 MiB, once decompressed. A field whose name has more than 200 characters, or that is nested more than 100
    levels deep, is left out; a number of more than 400 digits is null.
  - Proxies are taken from the environment. Redirects are never followed, and a C(.netrc) file is never read.
requirements:
  - requests
"""

    # What only plugins on the controller have.
    PLUGINS = r"""
options:
  partner_token:
    env:
      - name: ZAPI_PARTNER_TOKEN
    vars:
      - name: zapi_partner_token
  credentials:
    vars:
      - name: zapi_credentials
  client_token:
    env:
      - name: ZAPI_CLIENT_TOKEN
    vars:
      - name: zapi_client_token
  api_url:
    env:
      - name: ZAPI_API_URL
"""

    # What only modules have.
    MODULES = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/zapi.zapi.zapi) in C(module_defaults) to set the shared options once for all modules.
    support: full
    membership:
      - zapi.zapi.zapi
  check_mode:
    description: Can run in C(check_mode), with the same result.
    support: full
    details:
      - Nothing is ever changed.
"""
