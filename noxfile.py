# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The checks that antsibull-nox.toml cannot declare."""

# /// script
# dependencies = ["antsibull-nox>=1.10", "nox>=2026.8.10"]
# ///

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import nox

try:
    import antsibull_nox
    import antsibull_nox.sessions
except ImportError as exc:
    msg = "Install antsibull-nox beside nox, or use the Makefile."
    raise SystemExit(msg) from exc

ROOT = Path(__file__).parent
CACHE = ROOT / ".cache"

# What depends on the release of ansible-core. `make test` runs the other tests once.
CONTROLLER_TESTS = [
    *(f"tests/unit/plugins/{folder}" for folder in ("plugin_utils", "modules", "filter", "test")),
    "tests/integration",
]
SMOKE_TESTS = ["tests/integration/test_audit.py", "tests/integration/test_inventory.py"]
# The supported releases of ansible-core: Python, tests, marks. All tests run with the oldest and the newest release.
MATRIX = {
    "2.16": ("3.10", CONTROLLER_TESTS, "not once or slow"),
    "2.17": ("3.12", SMOKE_TESTS, "not once and not slow"),
    "2.18": ("3.11", SMOKE_TESTS, "not once and not slow"),
    "2.19": ("3.13", SMOKE_TESTS, "not once and not slow"),
    "2.20": ("3.12", SMOKE_TESTS, "not once and not slow"),
    "2.21": (">=3.13,<3.15", CONTROLLER_TESTS, "not once or slow"),
}
NEWEST = max(MATRIX, key=lambda core: int(core.partition(".")[2]))
# The oldest Python that modules run with, and the last ansible-core that can be installed there.
OLDEST_PYTHON, OLDEST_PYTHON_CORE = "3.9", "2.15"

PYTEST = ("pytest", "--quiet", "--numprocesses", "2", "--dist", "worksteal")

# Elsewhere, a session whose Python is not installed is skipped.
nox.options.error_on_missing_interpreters = "GITHUB_ACTIONS" in os.environ
antsibull_nox.load_antsibull_nox_toml()


def link_collection(session: nox.Session) -> dict[str, str]:
    """Link the clone as a collection into the session; return the environment in which Ansible finds it."""
    collections = session.run("python", "tests/link_collection.py", silent=True)
    return {"ANSIBLE_COLLECTIONS_PATH": str(collections).strip()}


def add_matrix_session(core: str, python: str, tests: list[str], marks: str) -> None:
    """Add the session that runs tests with one release of ansible-core."""

    @nox.session(name=f"matrix-{core}", tags=["matrix"], default=False, python=python)
    def matrix(session: nox.Session) -> None:
        if core == "2.16" and shlex.quote(str(ROOT)) != str(ROOT):
            session.skip(f"ansible-core 2.16 cannot run modules with a Python in a folder of this name: {ROOT}")
        session.install(f"ansible-core~={core}.0", "--requirement", "tests/requirements.txt")
        env = {**link_collection(session), "HYPOTHESIS_PROFILE": "brief"}
        session.run(*PYTEST, "-m", marks, *tests, *session.posargs, env=env)

    matrix.__doc__ = f"Run {' and '.join(tests)} with ansible-core {core}."


for release, row in reversed(MATRIX.items()):
    add_matrix_session(release, *row)


@nox.session(name=f"python{OLDEST_PYTHON}", tags=["matrix"], default=False, python=OLDEST_PYTHON)
def oldest_python(session: nox.Session) -> None:
    """Run the unit tests of the engine with the oldest Python that modules run with."""
    session.install(
        f"ansible-core~={OLDEST_PYTHON_CORE}.0", "pytest", "pytest-xdist", "--requirement", "tests/unit/requirements.txt"
    )
    env = {**link_collection(session), "HYPOTHESIS_PROFILE": "brief"}
    session.run(*PYTEST, "tests/unit/plugins/module_utils", *session.posargs, env=env)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure which lines of the engine the unit tests cover, with many examples for tests that generate their input."""
    session.install("--requirement", "tests/requirements.txt", "coverage[toml]>=7.10")
    env = {**link_collection(session), "HYPOTHESIS_PROFILE": "thorough"}
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", *PYTEST, "tests/unit", *session.posargs, env=env)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def browser(session: nox.Session) -> None:
    """Look at the page of a report in Chromium. --time prints how long it takes to load, --pictures makes docs/pictures."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.skip("Chromium (Debian package chromium) is not installed: the page of a report is not tested in a browser")
    session.install("--requirement", "tests/browser/requirements.txt")
    env = link_collection(session)
    scripts = {"--time": "tests/browser/time_page.py", "--pictures": "docs/pictures/make.py"}
    if session.posargs and session.posargs[0] in scripts:
        session.run("python", scripts[session.posargs[0]], env=env)
    else:
        session.run("pytest", "--quiet", "tests/browser", *session.posargs, env=env)


@nox.session(name="ansible-test", python=MATRIX[NEWEST][0])
def ansible_test(session: nox.Session) -> None:
    """Run ansible-test sanity and some unit tests in virtual environments; the sessions ansible-test-* use containers."""
    session.install(f"ansible-core~={NEWEST}.0")
    collection = antsibull_nox.sessions.prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if collection is None:
        return
    bootstrap = os.environ.get("ANSIBLE_TEST_BOOTSTRAP")
    if bootstrap:
        session.run("python", bootstrap, silent=True)
    version = session.run("python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])", silent=True)
    python = str(version).strip()
    with session.chdir(collection.current_path):
        # Without a repository of its own, the copy would belong to the clone's, which ignores it.
        session.run("git", "init", "--quiet", external=True)
        targets = ["--target-python", OLDEST_PYTHON, "--target-python", python]
        session.run("ansible-test", "sanity", "--controller", f"origin:python=venv/{python}", *targets, *session.posargs)
        session.run("ansible-test", "units", "--venv", "--python", python, "tests/unit/plugins/modules/")


@nox.session
def docs(session: nox.Session) -> None:
    """Render plugins and guides to .cache/docs."""
    session.install("ansible-core", "ansible-pygments", "antsibull-docs", "sphinx", "sphinx-ansible-theme")
    env = link_collection(session)
    settings, pages, site = (CACHE / "docs" / name for name in ("settings", "pages", "site"))
    shutil.rmtree(CACHE / "docs", ignore_errors=True)
    for folder in (settings, pages):
        folder.mkdir(parents=True, mode=0o755)
    common = ["--use-current", "--squash-hierarchy", "--fail-on-error"]
    session.run("antsibull-docs", "sphinx-init", *common, "--dest-dir", str(settings), "zapi.zapi", env=env, silent=True)
    session.run("antsibull-docs", "collection", *common, "--dest-dir", str(pages), "zapi.zapi", env=env)
    # docs-check validates references. Those to Ansible's own pages would need inventories from the network.
    offline = ["extensions=sphinx_antsibull_ext", "nitpicky=0", "suppress_warnings=ref.ref,toc.no_title"]
    session.run(
        *("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "--builder", "html", "--conf-dir", str(settings)),
        *(f"--define={setting}" for setting in offline),
        *(str(pages), str(site)),
        env=env,
    )
    session.log(f"Open {site / 'index.html'}")


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")
    session.run("antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml")


# Allow to run the noxfile with `python noxfile.py`, `pipx run noxfile.py`, or similar.
if __name__ == "__main__":
    nox.main()
