# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The table of attributes: everything that can be declared about an instance.

Parser, comparison, plan, schema, adoption and the reader of the API's objects take what they know about attributes from here.
"""

from __future__ import annotations

import enum
import re
import typing as t


class Kind(enum.Enum):
    """What values an attribute has, and how they are compared."""

    BOOLEAN = "boolean"
    CHOICE = "choice"  # a text; a list of accepted ones can be declared
    DAYS = "days"  # epoch milliseconds; the minimum number of days until then is declared
    URL = "url"  # like CHOICE, with placeholders; null: unset
    HOSTS = "hosts"  # the only hosts that webhooks may post to
    TEXT = "text"  # a text; null: none
    MUTED = "muted"  # a list of what is not delivered, compared as a set
    PHONE = "phone"  # digits


class Attribute(t.NamedTuple):
    """One row of the table."""

    name: str  # in expectations and rows, such as ``days_left`` or ``webhooks.received``
    fields: tuple[str, ...]  # names in the API's objects, the first one that is present counts; empty: derived from others
    kind: Kind
    key: str  # the key of an instance that holds the value
    description: str  # for the schema
    part: t.Optional[str] = None  # the key inside, if the value of ``key`` is a dictionary
    read: t.Optional[str] = None  # the instance call that returns it if the listing does not, such as ``me``
    call: t.Optional[str] = None  # the instance call that sets it; null: nothing can set it
    parameter: str = "value"  # of that call

    def value(self, instance: t.Mapping[str, t.Any]) -> t.Any:
        """Return the value that an instance has. None: unset, or unknown."""
        value = instance.get(self.key)
        return value if self.part is None or value is None else value.get(self.part)


def _webhook(field: str, event: str, call: t.Optional[str], description: str) -> Attribute:
    set_by = f"update-webhook-{call}" if call else None
    return Attribute(f"webhooks.{event}", (f"{field}CallbackUrl",), Kind.URL, "webhooks", description, event, call=set_by)


def _setting(part: str, kind: Kind, *fields: str, call: str, description: str, parameter: str = "value") -> Attribute:
    return Attribute(f"settings.{part}", fields, kind, "settings", description, part, "me", f"update-{call}", parameter)


ATTRIBUTES = (
    Attribute(
        "whatsapp_connected", ("whatsappConnected",), Kind.BOOLEAN, "whatsapp_connected", "Whether the session with WhatsApp is up."
    ),
    Attribute("phone_connected", ("phoneConnected",), Kind.BOOLEAN, "phone_connected", "Whether the phone is online."),
    Attribute("middleware", ("middleware",), Kind.CHOICE, "middleware", "The type of the instance, such as web or mobile."),
    Attribute("payment_status", ("paymentStatus",), Kind.CHOICE, "payment_status", "The billing state, such as PAID or TRIAL."),
    Attribute("days_left", ("due",), Kind.DAYS, "due_timestamp", "The minimum number of days until the due date."),
    Attribute(
        *("phone_number", (), Kind.PHONE, "phone_number"),
        description="The number that the instance is paired with: digits only, with the country code.",
        read="device",
    ),
    _webhook("received", "received", "received", "A message was received."),
    _webhook(
        "receivedAndDelivery",
        "received_and_delivery",
        "received-delivery",
        "A message was received, or the number itself sent one.",
    ),
    _webhook("delivery", "delivery", "delivery", "A message was handed to WhatsApp."),
    _webhook("messageStatus", "message_status", "message-status", "The status of a message changed."),
    _webhook("presenceChat", "presence_chat", "chat-presence", "Someone is typing."),
    _webhook("connected", "connected", "connected", "The number connected."),
    _webhook("disconnected", "disconnected", "disconnected", "The number disconnected."),
    # Only a call that sets all webhooks at once sets this one.
    _webhook("receivedStatus", "received_status", None, "A WhatsApp status (story) was received."),
    Attribute(
        *("webhook_hosts", (), Kind.HOSTS, "webhooks"),
        description="The only hosts that webhooks may post to: hooks.example.com, *.example.com or hooks.example.com:8443.",
    ),
    _setting(
        *("notify_sent_by_me", Kind.BOOLEAN, "receiveCallbackSentByMe", "notifySentByMe"),
        call="notify-sent-by-me",
        parameter="notifySentByMe",
        description="Messages that the number itself sends reach the receive webhook, too.",
    ),
    _setting(
        *("auto_read_message", Kind.BOOLEAN, "autoReadMessage"),
        call="auto-read-message",
        description="Incoming messages are marked as read.",
    ),
    _setting(
        "auto_read_status", Kind.BOOLEAN, "autoReadStatus", call="auto-read-status", description="Stories are marked as read."
    ),
    _setting("call_reject_auto", Kind.BOOLEAN, "callRejectAuto", call="call-reject-auto", description="Calls are rejected."),
    _setting(
        *("call_reject_message", Kind.TEXT, "callRejectMessage"),
        call="call-reject-message",
        description="The message that a rejected caller gets; null: none.",
    ),
    _setting(
        *("muted_webhooks", Kind.MUTED, "callbackTypeFilters"),
        call="filters",
        parameter="callbackTypeFilters",
        description="The webhooks that are NOT called, whatever their URL. received also mutes received_and_delivery.",
    ),
    _setting(
        *("muted_messages", Kind.MUTED, "messageFilters"),
        call="filters",
        parameter="messageFilters",
        description="The kinds of messages that are NOT delivered.",
    ),
)

BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}
GROUPS = {
    key: tuple(attribute.name for attribute in ATTRIBUTES if attribute.part is not None and attribute.key == key)
    for key in ("webhooks", "settings")
}
"""The names of the attributes inside each key of an instance that is a dictionary."""
WEBHOOK_EVENTS = tuple(name.partition(".")[2] for name in GROUPS["webhooks"])
SETTINGS = tuple(name.partition(".")[2] for name in GROUPS["settings"])
DECLARABLE = tuple(dict.fromkeys(attribute.name.partition(".")[0] for attribute in ATTRIBUTES))
"""The keys of ``expect``."""

RECEIVED_AND_DELIVERY = BY_NAME["webhooks.received_and_delivery"]
NOTIFY_SENT_BY_ME = BY_NAME["settings.notify_sent_by_me"]
MUTED_WEBHOOKS = BY_NAME["settings.muted_webhooks"]

FILTERS = {
    "settings.muted_webhooks": {
        event: f"FILTER_{event.upper()}_CALLBACK"
        for event in ("received", "delivery", "connected", "disconnected", "presence_chat", "message_status")
    },
    "settings.muted_messages": {
        **{origin: f"FILTER_FROM_{origin.upper()}" for origin in ("group", "private_chat")},
        **{kind: f"FILTER_{kind.upper()}_MESSAGE" for kind in ("text", "image", "video", "audio", "document")},
    },
}
"""The filters that the API is known to have, by our names, with the API's names. Other filters may appear."""
MUTED_WITH = {"received_and_delivery": "received"}
"""Webhooks that the filter of another webhook mutes, since the API calls both with the same type."""

_FILTER_AFFIXES = re.compile(r"^(?:FILTER_)?(?:FROM_)?|_(?:CALLBACK|MESSAGE)$", re.I)


def muted_name(api_name: str) -> str:
    """Return our name for a filter of the API."""
    return _FILTER_AFFIXES.sub("", api_name).lower() or api_name


def nested(values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return values by attribute in the form of ``expect``: webhooks and settings last, each in one dictionary."""
    result: dict[str, t.Any] = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        group, dot, part = name.partition(".")
        if dot:
            result.setdefault(group, {})[part] = value
    return result


def grouped(names: t.Collection[str]) -> list[str]:
    """Return names of attributes in the table's order; a complete group is replaced by its name and comes first."""
    complete = [group for group, parts in GROUPS.items() if set(parts).issubset(names)]
    return [*complete, *(name for name in BY_NAME if name in names and name.partition(".")[0] not in complete)]
