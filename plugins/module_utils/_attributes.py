# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The attributes of an instance: where the API has each of them, what may be declared of it, and how it is called.

Expectations, drift, its wording and the readers of instances take from this table what they know of attributes.
"""

from __future__ import annotations

import re
import typing as t

# What may be declared of an attribute
STATE = "state"  # true or false
CHOICE = "choice"  # one text, or a list of accepted ones
DAYS = "days"  # the least number of days until a time in epoch milliseconds
URL = "url"  # like CHOICE, with placeholders; null for unset
HOSTS = "hosts"  # the only hosts that any webhook may post to
TEXT = "text"  # one text; null for none
MUTED = "muted"  # what is not delivered: a list, compared as a set


class Attribute(t.NamedTuple):
    """One thing that an instance has and that can be declared."""

    name: str  # what expectations and rows of drift call it, such as ``days_left`` or ``webhooks.received``
    fields: tuple[str, ...]  # in the API's answers: the one of these that is there; none for what is found in many
    kind: str
    key: str  # of an instance, as doors return it
    part: t.Optional[str] = None  # of what stands under that key, where it is a dictionary
    call: t.Optional[str] = None  # of an instance, that sets it; none where no call does
    parameter: str = "value"  # of that call

    def value(self, instance: t.Mapping[str, t.Any]) -> t.Any:
        """Return what the instance has, None where it is unset or unknown."""
        value = instance.get(self.key)
        return value if self.part is None or value is None else value.get(self.part)


def _webhook(field: str, event: str, call: t.Optional[str]) -> Attribute:
    return Attribute(f"webhooks.{event}", (f"{field}CallbackUrl",), URL, "webhooks", event, call and f"update-webhook-{call}")


def _setting(part: str, kind: str, *fields: str, call: str, parameter: str = "value") -> Attribute:
    return Attribute(f"settings.{part}", fields, kind, "settings", part, f"update-{call}", parameter)


ATTRIBUTES = (
    Attribute("whatsapp_connected", ("whatsappConnected",), STATE, "whatsapp_connected"),
    Attribute("phone_connected", ("phoneConnected",), STATE, "phone_connected"),
    Attribute("middleware", ("middleware",), CHOICE, "middleware"),
    Attribute("payment_status", ("paymentStatus",), CHOICE, "payment_status"),
    Attribute("days_left", ("due",), DAYS, "due_timestamp"),
    _webhook("received", "received", "received"),
    _webhook("receivedAndDelivery", "received_and_delivery", "received-delivery"),
    _webhook("delivery", "delivery", "delivery"),
    _webhook("messageStatus", "message_status", "message-status"),
    _webhook("presenceChat", "presence_chat", "chat-presence"),
    _webhook("connected", "connected", "connected"),
    _webhook("disconnected", "disconnected", "disconnected"),
    _webhook("receivedStatus", "received_status", None),  # only a call that sets all of them at once does
    Attribute("webhook_hosts", (), HOSTS, "webhooks"),
    _setting(
        *("notify_sent_by_me", STATE, "receiveCallbackSentByMe", "notifySentByMe"),
        call="notify-sent-by-me",
        parameter="notifySentByMe",
    ),
    _setting("auto_read_message", STATE, "autoReadMessage", call="auto-read-message"),
    _setting("auto_read_status", STATE, "autoReadStatus", call="auto-read-status"),
    _setting("call_reject_auto", STATE, "callRejectAuto", call="call-reject-auto"),
    _setting("call_reject_message", TEXT, "callRejectMessage", call="call-reject-message"),
    # One call sets both: what it does where one of them is left out is not known.
    _setting("muted_webhooks", MUTED, "callbackTypeFilters", call="filters", parameter="callbackTypeFilters"),
    _setting("muted_messages", MUTED, "messageFilters", call="filters", parameter="messageFilters"),
)

BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}
GROUPS = {
    key: tuple(attribute.name for attribute in ATTRIBUTES if attribute.part is not None and attribute.key == key)
    for key in ("webhooks", "settings")
}
"""The names of the attributes that stand under one key of an instance."""
WEBHOOK_EVENTS = tuple(name.partition(".")[2] for name in GROUPS["webhooks"])
KEYS = ("id", "name", "unknown", *dict.fromkeys(attribute.key for attribute in ATTRIBUTES))
"""The keys of an instance that anything can be declared of, and those that say which one it is and what is not known of it."""
DECLARABLE = tuple(dict.fromkeys(attribute.name.partition(".")[0] for attribute in ATTRIBUTES))
"""The keys of ``expect``."""

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
"""What the API is known to mute, by the names that we have for it, with the API's own names. It may come to know more."""
MUTABLE = {name: tuple(filters) for name, filters in FILTERS.items()}
MUTED_WITH = {"received_and_delivery": "received"}
"""The webhooks that are muted with another one, since the API calls both with the same type."""


def nested(values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return values by attributes as ``expect`` holds them: webhooks and settings last, each in one dictionary."""
    nested: dict[str, t.Any] = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        group, dot, part = name.partition(".")
        if dot:
            nested.setdefault(group, {})[part] = value
    return nested


def whole_groups(names: t.Collection[str]) -> list[str]:
    """Return attributes in the order of the table: all of a group together, by its name, and before the others."""
    whole = [group for group, parts in GROUPS.items() if set(parts).issubset(names)]
    return [*whole, *(name for name in BY_NAME if name in names and name.partition(".")[0] not in whole)]


# What the API puts around the name of a webhook or a kind of messages, where it says that it is muted
_AROUND = re.compile(r"^(?:FILTER_)?(?:FROM_)?|_(?:CALLBACK|MESSAGE)$", re.I)


def muted_name(text: str) -> str:
    """Return how we call what the API mutes."""
    return _AROUND.sub("", text).lower() or text
