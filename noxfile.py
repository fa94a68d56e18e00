# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The checks: those of antsibull-nox.toml, and those that antsibull-nox has no session for."""

# /// script
# dependencies = ["antsibull-nox>=1.10", "nox>=2025.2.9"]
# ///

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sys
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

# The supported releases of ansible-core, each with the Pythons that it runs on. The first that is here is taken; the
# order spreads the Pythons over the releases.
MATRIX = {
    "2.16": ["3.10", "3.11", "3.12"],
    "2.17": ["3.12", "3.10", "3.11"],
    "2.18": ["3.11", "3.12", "3.13"],
    "2.19": ["3.13", "3.12", "3.11"],
    "2.20": ["3.12", "3.13", "3.14"],
    "2.21": ["3.14", "3.13", "3.12"],
}
# With the newest release all runs that depends on it, with the oldest one all but what is slow. The attacks take as long again, and
# have a session of their own with a release between them. To run others with one: nox -s matrix-2.16-python3.10 -- -m attacks.
# With the other releases, what Ansible's own commands do is tested. The engine uses little of ansible-core: its tests run in make
# test, and with the oldest Python that modules run with.
DOOR_TESTS = [f"tests/unit/plugins/{folder}" for folder in ("plugin_utils", "modules", "filter", "test")]
TESTS = {
    "2.16": ([*DOOR_TESTS, "tests/integration"], "not once and not attacks and not slow"),
    "2.21": ([*DOOR_TESTS, "tests/integration"], "not once and not attacks"),
}
OTHER_TESTS = (
    [f"tests/integration/test_{name}.py" for name in ("listing", "audit", "inventory")],
    "not once and not attacks and not slow",
)
# The oldest Python that modules run with, the last ansible-core that a controller runs with there, and the tests of what
# modules are made of.
OLDEST_TARGET = "3.9"
OLDEST_TARGET_CORE = "2.15"
TARGET_PACKAGES = ["hypothesis", "pytest", "pytest-xdist", "PyYAML", "requests", "responses"]
TARGET_TESTS = ["tests/unit/plugins/module_utils"]

PARALLEL = ["--quiet", "-n", "2", "--dist", "loadfile"]

nox.options.default_venv_backend = "virtualenv"
antsibull_nox.load_antsibull_nox_toml()


@functools.cache
def find_python(version: str) -> str | None:
    """Return the path of a Python that runs: a command of the name may be there that only says that there is none."""
    roots = [Path(sys.base_prefix, "bin"), *map(Path, os.get_exec_path())]
    if "PYENV_ROOT" in os.environ:
        roots.extend(sorted(Path(os.environ["PYENV_ROOT"], "versions").glob(f"{version}.*/bin")))
    for root in roots:
        python = shutil.which(f"python{version}", path=str(root))
        if python is None:
            continue
        check = f"import sys, venv; sys.exit(sys.version_info[:2] != tuple(map(int, {version!r}.split('.'))))"
        if subprocess.run([python, "-c", check], check=False, capture_output=True).returncode == 0:
            return python
    return None


def link_collection(session: nox.Session) -> dict[str, str]:
    """Make the clone the session's collection and return the environment with which Ansible finds it."""
    collections = session.run("python", "tests/link_collection.py", silent=True)
    return {"ANSIBLE_COLLECTIONS_PATH": str(collections).strip()}


def choose_python(versions: list[str]) -> str | None:
    """Return the first of the versions that is here."""
    return next(filter(find_python, versions), None)


def add_matrix_session(core: str, versions: list[str], packages: list[str], tests: list[str], marks: str) -> None:
    """Add the session that runs tests with one release of ansible-core; only who asks for the matrix gets it."""
    version = choose_python(versions)
    if version is None:

        @nox.session(name=f"matrix-{core}", tags=["matrix"], default=False, venv_backend="none")
        def skip(session: nox.Session) -> None:
            session.skip(f"Python {' or '.join(versions)} is not here")

        return

    # The name names both: an environment is not used again with another Python.
    @nox.session(name=f"matrix-{core}-python{version}", tags=["matrix"], default=False, python=find_python(version))
    def run_tests(session: nox.Session) -> None:
        if core == "2.16" and shlex.quote(str(ROOT)) != str(ROOT):
            session.skip(f"ansible-core 2.16 runs no module with a Python in a folder of such a name: {ROOT}")
        session.install(f"ansible-core~={core}.0", *packages)
        env = link_collection(session)
        session.run("ansible", "--version", env=env)
        session.run("pytest", *PARALLEL, "-m", marks, *tests, *session.posargs, env={**env, "HYPOTHESIS_PROFILE": "brief"})

    run_tests.__doc__ = f"Run {' and '.join(tests)} with ansible-core {core} on Python {version}."


for release, pythons in MATRIX.items():
    add_matrix_session(release, pythons, ["--requirement", "tests/requirements.txt"], *TESTS.get(release, OTHER_TESTS))
add_matrix_session(OLDEST_TARGET_CORE, [OLDEST_TARGET], TARGET_PACKAGES, TARGET_TESTS, "not once")


@nox.session
def attacks(session: nox.Session) -> None:
    """Run all attacks."""
    session.install("--requirement", "tests/requirements.txt")
    env = link_collection(session)
    session.run("pytest", "--quiet", "-m", "attacks", "tests/integration", *session.posargs, env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Run the tests that make up their own input, each with hundreds of examples."""
    session.install("--requirement", "tests/requirements.txt")
    env = link_collection(session)
    session.run(
        "pytest", *PARALLEL, "-m", "hypothesis", "tests/unit", *session.posargs, env={**env, "HYPOTHESIS_PROFILE": "thorough"}
    )


def newest_core() -> tuple[str, str | None]:
    """Return the newest ansible-core that a Python is here for, and that Python."""
    for core, versions in reversed(MATRIX.items()):
        version = choose_python(versions)
        if version:
            return core, version
    return max(MATRIX), None


SANITY_CORE, SANITY_PYTHON = newest_core()


@nox.session(
    name=f"sanity-{SANITY_CORE}-python{SANITY_PYTHON}",
    tags=["sanity"],
    python=SANITY_PYTHON and find_python(SANITY_PYTHON),
)
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity, with nothing ignored."""
    ignored = sorted(Path("tests/sanity").glob("ignore-*"))
    if ignored:
        session.error(f"No entry may be ignored: remove {', '.join(map(str, ignored))}")
    session.install(f"ansible-core~={SANITY_CORE}.0")
    prepared = antsibull_nox.sessions.prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if prepared is None:
        return
    bootstrap = os.environ.get("ANSIBLE_TEST_BOOTSTRAP")
    if bootstrap:
        session.run("python", bootstrap, silent=True)

    pythons = {version: python for version in (OLDEST_TARGET, SANITY_PYTHON) if version and (python := find_python(version))}
    if OLDEST_TARGET not in pythons:
        session.warn(f"Modules not compiled and imported with Python {OLDEST_TARGET}: it is not here.")
    # ansible-test looks for them by name.
    path = [session.bin, *(str(Path(python).parent) for python in pythons.values()), os.environ["PATH"]]
    options = ["--controller", f"origin:python=venv/{SANITY_PYTHON}"]
    for version in pythons:
        options += ["--target-python", version]
    with session.chdir(prepared.current_path):
        # ansible-test asks git which files there are; this clone's git would say none, since it ignores .cache.
        session.run("git", "init", "--quiet", external=True)
        env = {"PATH": os.pathsep.join(path)}
        session.run("ansible-test", "sanity", *options, *session.posargs, env=env)


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
    # docs-check validates references. Here, those to Ansible's own pages lead nowhere, as nothing is downloaded.
    offline = ["extensions=sphinx_antsibull_ext", "nitpicky=0", "suppress_warnings=ref.ref,toc.no_title"]
    session.run(
        "sphinx-build",
        *("--quiet", "--fail-on-warning", "--keep-going", "--builder", "html", "--conf-dir", str(settings)),
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
    released = "releases: {}" not in Path("changelogs/changelog.yaml").read_text(encoding="utf-8")
    if released:
        before = Path("CHANGELOG.md").read_bytes()
        session.run("antsibull-changelog", "generate", silent=True)
        if Path("CHANGELOG.md").read_bytes() != before:
            session.error("CHANGELOG.md was not what changelogs/changelog.yaml makes; it is now, commit it.")


@nox.session(name="execution-environment")
def execution_environment(session: nox.Session) -> None:
    """Make the build context of the execution environment, and install from it what its image would hold."""
    session.install("ansible-builder", "ansible-core")
    archives, context, collections = (CACHE / f"ee-{part}" for part in ("archives", "context", "collections"))
    found = CACHE / "ee-requirements.txt"
    for folder in (archives, context, collections):
        shutil.rmtree(folder, ignore_errors=True)
    if session.run("ansible-galaxy", "collection", "build", "--output-path", str(archives)) is None:
        return  # nox only installs: nothing is built
    # The definition names no version, so that a release need not change it.
    for archive in archives.iterdir():
        archive.replace("zapi-zapi-latest.tar.gz")
    session.run("ansible-builder", "create", "-f", "tests/ee/execution-environment.yml", "-c", str(context))
    with session.chdir(context / "_build"):
        session.run("ansible-galaxy", "collection", "install", "-r", "requirements.yml", "-p", str(collections))
    session.run("ansible-builder", "introspect", "--write-pip", str(found), str(collections))
    if "requests" not in found.read_text(encoding="utf-8"):
        session.error("ansible-builder does not find the collection's requirements")


# Allow to run the noxfile with `python noxfile.py`, `pipx run noxfile.py`, or similar.
if __name__ == "__main__":
    nox.main()
