#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# This is a documentation stub: the code is in the action of the same name, since the files are written on the controller.


from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Write reports of audits to files
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Writes the results of M(zapi.zapi.instance_audit) and M(zapi.zapi.instance_converge) to files on the controller, for people, CI
    systems, spreadsheets, and programs.
  - If the JSON file of the last report exists, the reports say which rows are new since then and which are resolved.
  - What was not looked at this time is carried over from the last report. These are accounts without a result, accounts whose audit
    failed, and instances that O(zapi.zapi.instance_audit#module:only), O(zapi.zapi.instance_audit#module:query), or
    O(zapi.zapi.instance_audit#module:middleware) excluded.
  - The playbooks C(zapi.zapi.audit) and C(zapi.zapi.converge) use it if you set the variable C(zapi_report).
  - The texts of results are data. Nothing in a report is a template, markup, a formula, or a label because an instance has that name.
attributes:
  check_mode:
    description: Can run in check mode and return whether a file would change.
    support: full
  diff_mode:
    description: Returns details on what differs, in diff mode.
    support: none
  platform:
    description: The platform that the module runs on.
    support: full
    platforms: posix
options:
  audits:
    description:
      - The registered result of M(zapi.zapi.instance_audit) or M(zapi.zapi.instance_converge), or a mapping of names of accounts to such
        results.
      - A failed result counts as an account that could not be audited.
    type: raw
    required: true
  dest:
    description:
      - The files to write. The ending decides the format. V(.html) is a page that needs no network, V(.md) is Markdown, V(.csv) is
        for spreadsheets, V(.json) for programs, V(.prom) is Prometheus text, and V(.xml) is JUnit XML.
      - A relative path starts in the working directory of the command. The directories must exist. Existing files are replaced.
      - A V(.json) file also keeps what the next report is compared with. If you do not write one, no row is new or resolved.
    type: list
    elements: path
    required: true
  language:
    description: The language of V(.html) and V(.md) files.
    type: str
    choices: [en, pt_BR]
    default: en
  mode:
    description: The permissions of the files, in octal and in quotes, such as V("0644"). By default, only their owner can read them.
    type: raw
    default: "0600"
seealso:
  - module: zapi.zapi.instance_audit
  - module: zapi.zapi.instance_converge
"""

EXAMPLES = r"""
- name: Audit without failing
  zapi.zapi.instance_audit:
    expectations_file: expectations.yml
    fail_on_drift: false
  register: audit

- name: Write reports for CI and for the next comparison
  zapi.zapi.audit_report:
    audits: "{{ audit }}"
    dest: [audit.html, audit.xml, audit.json]
    language: pt_BR

- name: Write one report of several accounts
  zapi.zapi.audit_report:
    audits:
      padaria: "{{ audit_of_padaria }}"
      mercado: "{{ audit_of_mercado }}"
    dest: [fleet.json, fleet.prom]
    mode: "0644"
"""

RETURN = r"""
msg:
  description: The number of rows, how many of them are new, how many are resolved, and the files.
  returned: success
  type: str
  sample: "12 rows, 3 new, 1 resolved: /home/ana/fleet/audit.xml, /home/ana/fleet/audit.json"
dest:
  description: The absolute paths of the files.
  returned: success
  type: list
  elements: str
  sample: [/home/ana/fleet/audit.xml, /home/ana/fleet/audit.json]
in_sync:
  description: Whether all accounts could be audited and are as declared.
  returned: success
  type: bool
  sample: false
summary:
  description: The counts. Counts of instances are of those that were looked at.
  returned: success
  type: dict
  contains:
    accounts:
      description: The number of accounts.
      returned: always
      type: int
    not_audited:
      description: The number of accounts that could not be audited.
      returned: always
      type: int
    instances:
      description: The number of instances.
      returned: always
      type: int
    managed:
      description: The number of instances that an expectation matches.
      returned: always
      type: int
    in_sync:
      description: The number of managed instances that are as declared.
      returned: always
      type: int
    drifted:
      description: The number of managed instances that are not.
      returned: always
      type: int
    missing:
      description: The number of missing instances.
      returned: always
      type: int
    unmanaged:
      description: The number of instances that no expectation matches.
      returned: always
      type: int
    rows:
      description: The number of rows of drift.
      returned: always
      type: int
    new:
      description: The number of rows that the last report did not have.
      returned: always
      type: int
    resolved:
      description: The number of rows that only the last report had.
      returned: always
      type: int
    carried_over:
      description: The number of rows from the last report whose instances were not looked at this time.
      returned: always
      type: int
    changed:
      description: The number of values that a convergence changed.
      returned: always
      type: int
  sample:
    accounts: 1
    not_audited: 0
    instances: 340
    managed: 338
    in_sync: 327
    drifted: 11
    missing: 1
    unmanaged: 2
    rows: 12
    new: 3
    resolved: 1
    carried_over: 0
    changed: 0
"""
