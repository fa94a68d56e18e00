# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Which refusals are about one instance's credential, and which hold for all."""

from __future__ import annotations

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._api.refusals import INSTANCE, PARTNER, Call, Refusal, is_of_credential


@pytest.mark.parametrize(
    ("status", "message", "in_json", "verdict"),
    [
        (404, "Instance not found", True, True),
        (401, "Unauthorized", True, True),
        (403, "Forbidden", True, True),
        (404, "", True, True),  # an error that is no text
        (403, "This instance is not allowed", True, True),
        (401, "Token not allowed", True, True),
        (404, "Instance not found", False, False),
        (401, "", False, False),
        (403, "", False, False),
        (400, "Instance not found", True, False),
        (405, "Method not allowed", True, False),
        (410, "Gone", True, False),
        (429, "Slow down", True, False),
        (500, "Instance not found", True, False),
        (200, "Instance not found", True, False),
        (403, "Client-Token abracadabra not allowed", True, False),
        (403, "client token abracadabra not allowed", True, False),
        (401, "CLIENT-TOKEN abracadabra NOT ALLOWED", True, False),
        (403, "ClientToken x not allowed", True, False),
        (403, "null not allowed", True, False),
        (404, "null not allowed", True, False),
        (400, "your client-token is not configured", True, False),
        (403, "your client-token is not configured", True, False),
        (404, "Your Client-Token is not configured", True, False),
        (403, "[10.1.2.3] not allowed", True, False),
        (403, "[2001:db8::1] not allowed", True, False),
        (401, "[IP request] not allowed", True, False),
    ],
)
def test_whether_a_refusal_is_of_one_credential(status: int, message: str, in_json: bool, verdict: bool) -> None:
    assert is_of_credential(Refusal(status, message, in_json), INSTANCE) is verdict
    assert not is_of_credential(Refusal(status, message, in_json), PARTNER)


def test_no_secret_is_in_the_representation_of_a_call() -> None:
    call = Call("/instances/A/token/hocuspocus1/me", "/instances/A/me", secrets=("hocuspocus1",))
    assert "hocuspocus" not in repr(call)
    assert "/instances/A/me" in repr(call)
