# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Looks at a file of expectations before Ansible does, whose errors would quote it: see tasks/expectations.yml.

Reads ``{"file": its path, "text": what it holds, decrypted, "known": the names of all variables}`` from standard input. Prints
``problem`` (in words, or empty), ``kind`` (``mapping`` or ``sequence``), ``undefined`` (variables that its templates name) and
``folder``, where ``link`` leads to the file; if it has encrypted values, the first one is at ``value``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import yaml
from jinja2 import Environment, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables


TAGS = ("tag:yaml.org,2002:", "!vault", "!unsafe")


class Unknown(Exception):
    """What is YAML, but no file of variables."""


def scalars(node):
    """Yield the scalars of a YAML document, keys included."""
    if not node.tag.startswith(TAGS):
        raise Unknown(f"has a tag that Ansible does not know: look at line {node.start_mark.line + 1}")
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)
    else:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                raise Unknown(f"has a brace where YAML expects text: look at line {line}. Quote what begins with a brace")
            yield key
            yield from scalars(value)


def look_at(file, text):
    """Return the document, what is wrong with it, and the variables that its templates name."""
    try:
        if not text and Path(file).read_bytes().startswith(b"$ANSIBLE_VAULT"):
            return None, "is encrypted, and no vault password opens it: use --ask-vault-pass or --vault-password-file", []
    except OSError as error:
        return None, f"cannot be read: {error.strerror}", []
    try:
        # Twice, since a mapping may have Ansible's own tags, and a sequence is read without Ansible.
        top = yaml.compose(text, yaml.SafeLoader)
        if isinstance(top, yaml.SequenceNode):
            yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, f"is no YAML that can be read: look at line {mark.line + 1}, column {mark.column + 1}", []
    except yaml.YAMLError:
        return None, "is no YAML: it holds characters that are none of a text", []
    if top is None:
        return top, "is empty", []
    if isinstance(top, yaml.ScalarNode):
        return top, "holds neither a list nor the key expectations with a list", []
    if isinstance(top, yaml.SequenceNode):
        return top, "", []
    if not any(key.value == "expectations" for key, _value in top.value):
        return top, "lacks the key expectations, with the list of them", []
    names = set()
    try:
        for scalar in scalars(top):
            line = scalar.start_mark.line + 1
            names |= find_undeclared_variables(Environment(autoescape=True).parse(scalar.value))
    except Unknown as error:
        return top, str(error), []
    except TemplateSyntaxError:
        return top, f"has a template with a mistake in its syntax: look at line {line}", []
    return top, "", sorted(names)


def main():
    given = json.load(sys.stdin)
    top, problem, names = look_at(given["file"], given["text"])
    result = {
        "kind": top.id if top else "",
        "problem": problem,
        "undefined": [name for name in names if name not in given["known"]],
    }
    if top and not problem:
        # Ansible quotes lines of a file with the errors of its templates, if it still finds the file.
        folder = Path(tempfile.mkdtemp(prefix="zapi-"))
        result["folder"] = str(folder)
        (folder / "link").symlink_to(given["file"])
        for scalar in scalars(top):
            if scalar.tag == "!vault":
                (folder / "value").write_text(scalar.value, encoding="utf-8")
                result["value"] = str(folder / "value")
                break
    print(json.dumps(result))  # noqa: T201 - this is how the task gets it


if __name__ == "__main__":
    main()
