# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The connection options, and attributes of modules."""

from __future__ import annotations


class ModuleDocFragment:
    # Options of every plugin and module.
    DOCUMENTATION = r"""
options:
  partner_token:
    description:
      - The partner token of the Z-API account. Required, unless O(credentials) is set.
      - For accounts with up to 25 instances, you can use the account's security token instead. You find it in the Z-API panel
        under C(Segurança).
      - If the option is not set, the variable C(zapi_partner_token) is used, and then the environment variable
        E(ZAPI_PARTNER_TOKEN). The variable can be a template. The value of the environment variable, and that of an argument of the
        lookup, is never templated.
      - White space around the token is ignored. A token with fewer than eight characters is an error. The token is masked in all output.
    type: str
  credentials:
    description:
      - The instances and their tokens, for accounts without a partner token. A list with an entry for each instance, which is a
        dictionary with the keys C(id) and C(token). Both values must be text.
      - Each instance is read with its own calls, in the order of the list. These calls do not return C(middleware) and C(tenant), so
        they are null. O(query) and O(middleware) are errors.
      - Use either O(partner_token) or O(credentials). The first level that has either of them decides, in the order option, variable
        (C(zapi_credentials)), environment. If one level has both, this is an error. In a task, O(credentials) takes precedence, since
        C(module_defaults) can set O(partner_token).
      - If the server rejects a credential, M(zapi.zapi.instance_audit) reports the instance as missing. The lookup, the inventory and the
        other modules fail and name all rejected instances, except M(zapi.zapi.instance_converge), where C(on_missing) decides.
      - The tokens are masked in all output.
    type: raw
  client_token:
    description:
      - The account's security token, which instance calls require once it is switched on in the Z-API panel. It is sent as
        C(Client-Token) with instance calls only.
      - If the option is not set, the variable C(zapi_client_token) is used, and then the environment variable E(ZAPI_CLIENT_TOKEN).
    type: str
  api_url:
    description:
      - The address of the API, without C(/instances). An address that contains an instance call is an error.
      - Must use C(https). Plain C(http) is accepted for loopback addresses only, for example for an emulator.
      - If the option is not set, the variable C(zapi_api_url) is used, and then the environment variable E(ZAPI_API_URL).
    type: str
    default: https://api.z-api.io
  validate_certs:
    description:
      - Whether to validate the TLS certificate of the server.
    type: bool
    default: true
  ca_path:
    description:
      - A file or directory with CA certificates to validate the certificate of the server with.
      - If the option is not set, the environment variable E(REQUESTS_CA_BUNDLE) or the certificates of the C(requests) library are used.
    type: path
  timeout:
    description:
      - Maximum number of seconds to wait for a connection and between two chunks of a response.
      - A request as a whole ends after ten times this value, and is then not retried.
    type: float
    default: 30
  retries:
    description:
      - How often to retry a request after a connection failure or one of the statuses 408, 429, 500, 502, 503, 504 and 520 to 526. At
        most 100.
      - The delay doubles with each retry, with jitter. A C(Retry-After) header is honored up to 60 seconds; a longer one is an error.
    type: int
    default: 3
  page_size:
    description:
      - How many instances to request at once. If the server returns smaller pages, their size counts.
    type: int
    default: 100
  concurrency:
    description:
      - Maximum number of concurrent requests. It is lower if the system allows fewer threads or open files.
    type: int
    default: 8
  query:
    description:
      - Lists only instances that the server finds when it searches names and IDs for this text.
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
      - Whether to repeat the listing until two listings in a row have the same instances. This detects an instance that is deleted
        while another one is created, which does not change the number of instances.
    type: bool
    default: false
notes:
  - The listing is complete, or it is an error. Each instance is returned once, in the API's order.
  - A response is limited to 64 MiB after decompression. Fields whose names have more than 200 characters, and values with more than 100
    levels, are left out.
  - Proxies are read from the environment. Redirects are never followed, and C(.netrc) files are never read.
requirements:
  - requests
"""

    # Options of plugins on the controller.
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
    vars:
      - name: zapi_api_url
"""

    # What all modules have.
    MODULES = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/zapi.zapi.zapi) in C(module_defaults) to set the connection options for all modules.
    support: full
    membership:
      - zapi.zapi.zapi
  check_mode:
    description: Can run in C(check_mode), with the same result.
    support: full
    details:
      - Nothing is changed.
"""
