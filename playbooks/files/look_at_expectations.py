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


class Problem(Exception):
    """What is wrong with the file, in words that go on where its path ends."""


def parsed(file, text):
    """Return the YAML document, if it is one that can hold expectations."""
    try:
        if not text and Path(file).read_bytes().startswith(b"$ANSIBLE_VAULT"):
            raise Problem("is encrypted, and no vault password opens it: use --ask-vault-pass or --vault-password-file")
        top = yaml.compose(text, yaml.SafeLoader)
        if isinstance(top, yaml.SequenceNode):
            # Ansible's own tags are for files of variables, which a list is not.
            yaml.safe_load(text)
    except OSError as error:
        raise Problem(f"cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Problem(f"is no YAML that can be read: look at line {mark.line + 1}, column {mark.column + 1}") from None
    except yaml.YAMLError:
        raise Problem("is no YAML: it holds characters that are none of a text") from None
    if top is None:
        raise Problem("is empty")
    if isinstance(top, yaml.ScalarNode):
        raise Problem("holds neither a list nor the key expectations with a list")
    if isinstance(top, yaml.MappingNode) and not any(key.value == "expectations" for key, _value in top.value):
        raise Problem("lacks the key expectations, with the list of them")
    return top


def scalars(node):
    """Yield the scalars of a document, keys included."""
    line = node.start_mark.line + 1
    if not node.tag.startswith(TAGS):
        raise Problem(f"has a tag that Ansible does not know: look at line {line}")
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)
    else:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Problem(f"has a brace where YAML expects text: look at line {line}. Quote what begins with a brace")
            yield key
            yield from scalars(value)


def variables(top):
    """Return the names of the variables that templates use."""
    names = set()
    for scalar in scalars(top):
        try:
            names |= find_undeclared_variables(Environment(autoescape=True).parse(scalar.value))
        except TemplateSyntaxError:
            line = scalar.start_mark.line + 1
            raise Problem(f"has a template with a mistake in its syntax: look at line {line}") from None
    return names


def links(top, file):
    """Return a new folder with a link to the file, and the path of its first encrypted value, if there is one."""
    # Ansible quotes lines of a file with the errors of its templates, if it still finds the file.
    folder = Path(tempfile.mkdtemp(prefix="zapi-"))
    (folder / "link").symlink_to(file)
    for scalar in scalars(top):
        if scalar.tag == "!vault":
            (folder / "value").write_text(scalar.value, encoding="utf-8")
            return {"folder": str(folder), "value": str(folder / "value")}
    return {"folder": str(folder)}


def main():
    given = json.load(sys.stdin)
    try:
        top = parsed(given["file"], given["text"])
        # A list has no templates: Ansible fills them in only where it reads a file of variables.
        names = variables(top) if top.id == "mapping" else ()
        result = {
            "kind": top.id,
            "problem": "",
            "undefined": sorted({*names}.difference(given["known"])),
            **links(top, given["file"]),
        }
    except Problem as problem:
        result = {"kind": "", "problem": str(problem), "undefined": []}
    print(json.dumps(result))  # noqa: T201 - the task that runs this reads it


if __name__ == "__main__":
    main()
