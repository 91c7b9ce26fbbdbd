"""The register's endings refuse nothing that the replay sends."""

from datetime import datetime

import msgspec

from deploy.replay.generate import Message
from shared.calendar.local import local_day
from shared.contracts.words import short_type
from shared.register import shipped_register
from shared.runtime.ledger.standing import OPENING


def test_the_replay_says_nothing_new_about_an_agency_that_ended(messages: list[Message]) -> None:
    register = shipped_register()
    ended = {one.slug for one in register.agencies.values() if one.closed is not None}
    late = []
    for message in messages:
        if message.expect == "rejected":
            continue
        event = msgspec.json.decode(message.event)
        if event["data"]["agency"] in ended and short_type(event["type"]) in OPENING:
            day = local_day(datetime.fromisoformat(event["time"]))
            if register.agency_on(event["data"]["agency"], day) is None:
                late.append(event["id"])
    assert late == []
