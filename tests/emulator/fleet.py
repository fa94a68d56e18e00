# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fleets for the emulator: generated fleets, fleet files, and the store that holds the instances being served."""

from __future__ import annotations

import copy
import datetime as dt
import importlib
import json
import random
import threading
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterable

Instance = dict[str, t.Any]

# Keys of an instance that are not fields of the API: they say how its own calls answer. See the README.
ME = "_me"
ME_WITHOUT = "_me_without"
STATUS = "_status"
STATUS_WITHOUT = "_status_without"
DEVICE = "_device"
LAPSED = "_lapsed"
OWN_KEYS: dict[str, type] = {ME: dict, ME_WITHOUT: list, STATUS: dict, STATUS_WITHOUT: list, DEVICE: dict, LAPSED: bool}
_TYPE_NAMES = {dict: "a mapping", list: "a list", bool: "true or false"}

DEFAULT_NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY_MS = 86_400_000

HOOKS_URL = "https://hooks.example.com"
STALE_HOOKS_URL = "https://old-hooks.example.net"

TRADES = {
    "Padaria": ("Pão Dourado", "Trigo de Ouro", "Estrela da Manhã", "São Bento"),
    "Farmácia": ("São João", "Boa Saúde", "Santa Luzia", "Vida Nova"),
    "Pizzaria": ("Bella Itália", "Forno a Lenha", "Dom Giovanni", "Tradição"),
    "Barbearia": ("do Zé", "Navalha de Ouro", "Bigode & Cia", "Imperial"),
    "Pet Shop": ("Amigo Fiel", "Patas e Pêlos", "Bicho Feliz", "Cão Sabido"),
    "Academia": ("Corpo em Ação", "Força Total", "Movimento", "Ritmo"),
    "Ótica": ("Visão Clara", "Bom Olhar", "Íris", "Silva & Filhos"),
    "Clínica": ("Bem-Estar", "Sorriso Novo", "Coração de Mãe", "Equilíbrio"),
    "Auto Peças": ("Dois Irmãos", "Três Corações", "Paulista", "Via Rápida"),
    "Floricultura": ("Jardim Secreto", "Bem-Me-Quer", "Flor do Campo", "Orquídea"),
    "Restaurante": ("Sabor da Vovó", "Tempero Mineiro", "Maré Alta", "Fogão Baiano"),
    "Livraria": ("Página Um", "Capitu", "Grande Sertão", "Letra Viva"),
}
PLACES = (
    "Centro", "Vila Nova", "Jardim América", "Boa Vista", "Savassi", "Copacabana", "Água Verde",
    "Pinheiros", "Moema", "Aldeota", "Ponta Negra", "São Luís", "01", "02", "03", "04",
)  # fmt: skip

AREA_CODES = (11, 21, 31, 41, 51, 61, 71, 81, 85)

# The share of a generated fleet that has each flaw. No instance has two of them, so that a demo's drift is readable.
FLAWS = {
    "disconnected": 0.05,
    "unpaid": 0.03,
    "expired": 0.02,
    "due_soon": 0.03,
    "stale_hook": 0.03,
    "duplicate_name": 0.02,
    "empty_name": 0.01,
}
SMALLEST_FLEET_WITH_EMPTY_NAME = 20
SMALLEST_FLEET_WITH_LAPSED = 50


class FleetError(ValueError):
    """An invalid fleet; the message is for its author."""


# --- Generated fleets ---


def generate(count: int, seed: int = 1, now_ms: int = DEFAULT_NOW_MS) -> list[Instance]:
    """Return a fleet that depends on the arguments alone."""
    rng = random.Random(seed)
    names = _names(count, rng)
    healthy, flaws = _assign_flaws(count, rng)
    for index, flaw in flaws.items():
        if flaw == "empty_name":
            names[index] = ""
        elif flaw == "duplicate_name":
            names[index] = names[rng.choice(healthy)]
    instances = [_instance(index, names[index], flaws.get(index), rng, now_ms) for index in range(count)]
    # Small fleets are for first steps: there, every instance accepts changes.
    if count >= SMALLEST_FLEET_WITH_LAPSED:
        unpaid = [index for index, flaw in flaws.items() if flaw == "unpaid"]
        for index in unpaid[::2]:
            instances[index][LAPSED] = True
    return instances


def _names(count: int, rng: random.Random) -> list[str]:
    """Return `count` different shop names."""
    shops = [f"{trade} {name} {place}" for trade, trade_names in TRADES.items() for name in trade_names for place in PLACES]
    rng.shuffle(shops)
    names = shops[:count]
    for number in range(len(shops), count):
        branch, shop = divmod(number, len(shops))
        names.append(f"{shops[shop]} (loja {branch + 1})")
    return names


def _assign_flaws(count: int, rng: random.Random) -> tuple[list[int], dict[int, str]]:
    """Return the positions without a flaw, and the flaw of each other position."""
    free = list(range(count))
    rng.shuffle(free)
    flaws: dict[int, str] = {}
    for flaw, share in FLAWS.items():
        if flaw == "empty_name" and count < SMALLEST_FLEET_WITH_EMPTY_NAME:
            continue
        # Small fleets have each flaw too, and at least one instance without any.
        wanted = min(max(1, round(share * count)), len(free) - 1)
        for _number in range(wanted):
            flaws[free.pop()] = flaw
    return free, flaws


def _instance(index: int, name: str, flaw: str | None, rng: random.Random, now_ms: int) -> Instance:
    """Return an instance as the API returns it, in the various forms that were seen."""
    instance_id = f"{rng.getrandbits(128):032X}"
    hooks = f"{HOOKS_URL}/{instance_id}"
    due = now_ms + rng.randrange(10 * DAY_MS, 360 * DAY_MS)
    if flaw == "due_soon":
        due = now_ms + rng.randrange(DAY_MS // 24, 5 * DAY_MS)
    elif flaw == "expired":
        due = now_ms - rng.randrange(DAY_MS, 40 * DAY_MS)
    created = now_ms - rng.randrange(5 * DAY_MS, 900 * DAY_MS)
    connected = flaw != "disconnected"
    instance: Instance = {
        "token": f"{rng.getrandbits(96):024X}",
        "tenant": "T0EMULATOR",
        "created": created if index % 8 == 3 else _iso(created),
        "due": _due(index, due),
        "paymentStatus": "TRIAL" if index % 12 == 7 else "PAID",
        "deliveryCallbackUrl": f"{hooks}/delivery",
        "receivedCallbackUrl": f"{hooks}/received",
        "disconnectedCallbackUrl": f"{hooks}/disconnected",
        "messageStatusCallbackUrl": f"{hooks}/message-status",
        "receivedAndDeliveryCallbackUrl": f"{hooks}/received",
        "presenceChatCallbackUrl": None if index % 3 == 1 else "",
        "connectedCallbackUrl": f"{hooks}/connected",
        "receivedStatusCallbackUrl": None if index % 4 == 2 else "",
        "phoneConnected": connected or index % 2 == 0,
        "whatsappConnected": connected,
        "middleware": "mobile" if index % 7 == 3 else "web",
        "name": name,
        "id": instance_id,
    }
    if flaw == "unpaid":
        instance["paymentStatus"] = ("UNPAID", "CANCELED")[index % 2]
    elif flaw == "stale_hook":
        instance["receivedAndDeliveryCallbackUrl"] = f"{STALE_HOOKS_URL}/{instance_id}/received"
    _vary_fields(index, instance)
    instance[ME] = {field: value for field, value in _me_fields(index).items() if field not in instance}
    instance[DEVICE] = {"phone": _phone(index, instance_id), "isBusiness": index % 3 != 0, "originalDevice": "android"}
    return instance


def _phone(index: int, instance_id: str) -> str:
    return f"55{AREA_CODES[index % len(AREA_CODES)]}9{int(instance_id, 16) % 10**8:08d}"


def _me_fields(index: int) -> Instance:
    """Return the fields that `/me` has even if the listing does not: nothing is muted."""
    return {
        "receivedStatusCallbackUrl": "",
        "initialDataCallbackUrl": "",
        "receiveCallbackSentByMe": index % 2 == 0,
        "autoReadMessage": False,
        "autoReadStatus": False,
        "callRejectAuto": False,
        "callRejectMessage": "",
        "messageFilters": [],
        "callbackTypeFilters": [],
    }


def _due(index: int, due: int) -> int | str:
    if index % 10 == 2:
        return str(due)
    return _iso(due) if index % 10 == 6 else due


def _vary_fields(index: int, instance: Instance) -> None:
    """Leave out and add fields, as real listings do."""
    if index % 40 == 11:
        instance["created"] = ""
    elif index % 40 == 17:
        del instance["created"]
    if index % 25 == 9:
        del instance["tenant"]
    if index % 4 == 1:
        del instance["receivedStatusCallbackUrl"]
    if index % 50 == 21:
        del instance["phoneConnected"]
    if index % 5 == 0:
        instance["autoReadMessage"] = False
        instance["callRejectAuto"] = index % 2 == 0


def _iso(epoch_ms: int) -> str:
    moment = dt.datetime.fromtimestamp(epoch_ms / 1000, tz=dt.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- Fleet files ---


@dataclass(frozen=True)
class FleetFile:
    """The content of a fleet file. A token that is not given is None; faults and switches are not parsed."""

    instances: list[Instance]
    partner_token: str | None = None
    client_token: str | None = None
    faults: list[t.Any] = field(default_factory=list)
    switches: dict[str, t.Any] = field(default_factory=dict)


def read_fleet_file(path: str | Path) -> FleetFile:
    """Read a fleet from a `.json`, `.yml` or `.yaml` file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"cannot read the fleet file {path}: {error}") from error
    document = _load_json(text, path) if path.suffix == ".json" else _load_yaml(text, path)
    return parse_fleet(document)


def parse_fleet(document: t.Any) -> FleetFile:
    """Parse a list of instances, or a mapping with the list in `instances`."""
    if isinstance(document, list):
        return FleetFile(check_instances(document))
    if not isinstance(document, Mapping) or "instances" not in document:
        raise FleetError("a fleet must be a list of instances, or a mapping with the list in 'instances'")
    unknown = sorted(set(document) - {"instances", "partner_token", "client_token", "faults", "switches"})
    if unknown:
        raise FleetError(f"unknown key in the fleet: {', '.join(map(str, unknown))}")
    for key in ("partner_token", "client_token"):
        if not isinstance(document.get(key, ""), (str, type(None))):
            raise FleetError(f"{key} of the fleet must be text")
    faults, switches = document.get("faults") or [], document.get("switches") or {}
    if not isinstance(faults, list):
        raise FleetError("the faults of the fleet must be a list of rules")
    if not isinstance(switches, Mapping):
        raise FleetError("the switches of the fleet must be a mapping")
    return FleetFile(
        check_instances(document["instances"]),
        document.get("partner_token"),
        document.get("client_token"),
        faults,
        dict(switches),
    )


def check_instances(value: t.Any) -> list[Instance]:
    """Return the instances as plain JSON values, or raise FleetError."""
    if not isinstance(value, list):
        raise FleetError("the instances must be a list")
    for position, instance in enumerate(value, 1):
        if not isinstance(instance, Mapping):
            raise FleetError(f"instance {position} of the fleet must be a mapping")
        for key, kind in OWN_KEYS.items():
            if key in instance and not isinstance(instance[key], kind):
                raise FleetError(f"{key} of instance {position} of the fleet must be {_TYPE_NAMES[kind]}")
    return [{str(key): _plain(item) for key, item in row.items()} for row in value]


def _load_json(text: str, path: Path) -> t.Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise FleetError(f"{path} is not valid JSON: {error}") from error


def _load_yaml(text: str, path: Path) -> t.Any:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise FleetError(f"reading {path} needs PyYAML: install it, or convert the fleet to a .json file") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FleetError(f"{path} is not valid YAML: {error}") from error


def _plain(value: t.Any) -> t.Any:
    """Return JSON values: YAML parses an unquoted date as a date, the API returns it as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat().replace("+00:00", "Z")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise FleetError(f"a fleet cannot hold a value of type {type(value).__name__}")


# --- The store ---


def to_json(value: t.Any) -> bytes:
    """Render as the API does, in UTF-8. A lone surrogate has no UTF-8 form and stays escaped."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


class _Row:
    """One instance, with its entry of the listing rendered once and its searchable text in lower case."""

    __slots__ = ("_json", "data", "search_texts")

    def __init__(self, data: Mapping[str, t.Any]) -> None:
        self.data: Instance = {}
        self.change(data)

    def change(self, fields: Mapping[str, t.Any], me_only: Iterable[str] = ()) -> None:
        """Set fields where they are, in the listing or in `_me`; new fields that are in `me_only` go to `_me`."""
        me = dict(self.data.get(ME) or {})
        for name, value in fields.items():
            in_me = name in me or (name in me_only and name not in self.data)
            if in_me:
                me[name] = value
            if name in self.data or not in_me:
                self.data[name] = value
        if me and ME not in fields:
            self.data[ME] = me
        self.search_texts = tuple(str(self.data.get(key) or "").lower() for key in ("name", "id"))
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        if self._json is None:
            self._json = to_json({name: value for name, value in self.data.items() if name not in OWN_KEYS})
        return self._json

    def matches(self, query: str, middleware: str) -> bool:
        if middleware and self.data.get("middleware") != middleware:
            return False
        return any(query in text for text in self.search_texts)


class Fleet:
    """The instances being served. Every method is thread-safe."""

    # Enough for all pages of a listing to share one search.
    MAX_CACHED_SEARCHES = 16

    def __init__(self, instances: Iterable[Mapping[str, t.Any]]) -> None:
        self._lock = threading.RLock()
        self._rows = [_Row(instance) for instance in instances]
        self._searches: dict[tuple[str, str], list[_Row]] = {}
        self._by_id: dict[str, _Row] | None = None

    def instances(self) -> list[Instance]:
        with self._lock:
            return [copy.deepcopy(row.data) for row in self._rows]

    def page(self, start: int, length: int, query: str = "", middleware: str = "") -> tuple[list[bytes], int]:
        """Return rendered entries from `start` on, and the number of all instances that match."""
        with self._lock:
            rows = self._search(query.lower(), middleware)
            return [row.json for row in rows[start : start + length]], len(rows)

    def find(self, instance_id: str) -> Instance | None:
        with self._lock:
            row = self._index().get(instance_id)
            return copy.deepcopy(row.data) if row else None

    def change(self, instance_id: str, fields: Mapping[str, t.Any], me_only: Iterable[str] = ()) -> bool:
        """Set fields of an instance; return False if no instance has this ID."""
        with self._lock:
            row = self._index().get(instance_id)
            if row is None:
                return False
            row.change(fields, me_only)
            self._searches.clear()
            if "id" in fields:
                self._by_id = None
            return True

    def remove(self, instance_id: str) -> bool:
        """Remove an instance; return False if no instance has this ID."""
        with self._lock:
            row = self._index().get(instance_id)
            if row is None:
                return False
            self._rows.remove(row)
            self._clear_caches()
            return True

    def remove_first(self, count: int) -> None:
        with self._lock:
            del self._rows[:count]
            self._clear_caches()

    def add(self, instances: Iterable[Mapping[str, t.Any]], *, at_start: bool = False) -> None:
        with self._lock:
            position = 0 if at_start else len(self._rows)
            self._rows[position:position] = [_Row(instance) for instance in instances]
            self._clear_caches()

    def replace(self, instances: Iterable[Mapping[str, t.Any]]) -> None:
        with self._lock:
            self._rows = [_Row(instance) for instance in instances]
            self._clear_caches()

    def __len__(self) -> int:
        with self._lock:
            return len(self._rows)

    def _search(self, query: str, middleware: str) -> list[_Row]:
        if not query and not middleware:
            return self._rows
        key = (query, middleware)
        if key not in self._searches:
            if len(self._searches) >= self.MAX_CACHED_SEARCHES:
                self._searches.clear()
            self._searches[key] = [row for row in self._rows if row.matches(query, middleware)]
        return self._searches[key]

    def _index(self) -> dict[str, _Row]:
        if self._by_id is None:
            # Reversed: of two instances with one ID, the first is used.
            self._by_id = {str(row.data.get("id")): row for row in reversed(self._rows)}
        return self._by_id

    def _clear_caches(self) -> None:
        self._searches.clear()
        self._by_id = None
