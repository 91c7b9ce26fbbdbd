"""A seeded world of facts: what a few agencies send in a quarter, with corrections, retractions and pauses.

The world is made so that no outcome hangs on what the contract leaves to a province (the exact hour at which
an answer is due, the hours of a pause that count): answers come within a day or after more than a month, and
dossiers are resolved days before or days after every due instant one could work out.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

HANOI = timezone(timedelta(hours=7))
FIRST = datetime(2024, 1, 2, 8, 0, tzinfo=HANOI)
LAST_DAY = date(2024, 3, 22)
CATEGORIES = ("gioi-thieu", "van-ban", "thu-tuc", "ngan-sach", "thong-ke", "lien-he")


@dataclass(frozen=True, slots=True)
class Sent:
    """One fact as it is sent: where to (`module`), the entity's id (the Kafka key), the event."""

    module: str
    key: str
    event: dict[str, Any]

    @property
    def identity(self) -> tuple[str, str]:
        return self.event["source"], self.event["id"]


@dataclass(slots=True)
class World:
    """All facts of one seed, in the order in which they happened, and the publishers that may send them."""

    seed: int
    agencies: list[str]
    facts: list[Sent] = field(default_factory=list)

    def publishers(self) -> dict[str, str]:
        """Publisher name to the types granted to it; each is granted every agency of this world."""
        return {
            f"portal-{self.seed}": "article.*,audience.*,portal.*,board.*,channel.*,report.*,fact.retracted",
            f"hoi-dap-{self.seed}": "question.*,fact.retracted",
            f"mot-cua-{self.seed}": "dossier.*,procedure.*,fact.retracted",
        }


_PUBLISHER = {"content": "portal", "qa": "hoi-dap", "dossier": "mot-cua"}


def make_world(seed: int, agencies: list[str], size: int) -> World:
    """A world of about `size` facts about `agencies`. The same arguments give the same world."""
    world = World(seed, agencies)
    maker = _Maker(world, random.Random(seed))
    writers = (maker.article, maker.article, maker.question, maker.dossier, maker.dossier, maker.dossier)
    number = 0
    while len(world.facts) < size:
        maker.rng.choice(writers)(number)
        if number % 40 == 0:
            maker.audience(number)
            maker.procedure(number)
        number += 1
    return world


class _Maker:
    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.serial = 0

    def moment(self, latest_day: int = 78) -> datetime:
        """A moment in working hours of the quarter, at most `latest_day` days after its second day.

        No two are alike: the contract does not say which of two facts of one instant comes first.
        """
        apart = timedelta(milliseconds=self.serial % 60_000)
        return FIRST + timedelta(days=self.rng.randrange(latest_day), minutes=self.rng.randrange(480)) + apart

    def fact(self, module: str, short: str, key: str, happened: datetime, /, **data: Any) -> Sent:
        self.serial += 1
        event = {
            "specversion": "1.0",
            "id": f"{module}-{self.world.seed}-{self.serial}",
            "source": f"/publishers/{_PUBLISHER[module]}-{self.world.seed}",
            "type": f"vn.laocai.{short}.v1",
            "subject": f"{short.split('.')[0]}/{key}",
            "time": self.written(happened),
            "datacontenttype": "application/json",
            "data": data,
        }
        sent = Sent(module, key, event)
        self.world.facts.append(sent)
        return sent

    def written(self, at: datetime) -> str:
        """The same instant with one of the offsets that systems write."""
        return (at.astimezone(UTC) if self.rng.random() < 0.2 else at).isoformat()

    def retract(self, fact: Sent) -> None:
        at = datetime.fromisoformat(fact.event["time"]) + timedelta(minutes=5)
        self.fact(
            fact.module,
            "fact.retracted",
            fact.key,
            at,
            agency=fact.event["data"]["agency"],
            retracts={"source": fact.event["source"], "id": fact.event["id"]},
            reason="sent by mistake",
        )

    def article(self, number: int) -> None:
        rng, key = self.rng, f"bai-{self.world.seed}-{number}"
        at = self.moment()
        base = {"article_id": key, "agency": rng.choice(self.world.agencies)}
        extra: dict[str, Any] = {}
        if rng.random() < 0.6:
            extra["category"] = rng.choice(CATEGORIES)
        if rng.random() < 0.1:
            extra["language"] = "en"
        if rng.random() < 0.15:
            extra["channel"] = rng.choice(("facebook", "zalo"))
        kind = rng.choices(("news", "dataset", "spokesperson", "press_digest"), (70, 20, 5, 5))[0]
        facts = [
            self.fact(
                "content", "article.published", key, at, **base, title=f"Tin số {number}",
                url=f"https://example.vn/{key}", kind=kind, published_at=self.written(at), **extra,
            )
        ]  # fmt: skip
        if rng.random() < 0.2:
            later = at + timedelta(hours=rng.randrange(1, 200))
            change = rng.choice(
                (
                    {"kind": "dataset"},
                    {"category": rng.choice(CATEGORIES)},
                    {"language": "en", "title": "News"},
                    {"published_at": self.written(at - timedelta(days=1))},
                )
            )
            facts.append(
                self.fact(
                    "content",
                    "article.corrected",
                    key,
                    later,
                    **base,
                    corrected_at=self.written(later),
                    **change,
                )
            )
        if rng.random() < 0.08:
            later = at + timedelta(days=10)
            facts.append(
                self.fact(
                    "content",
                    "article.removed",
                    key,
                    later,
                    **base,
                    removed_at=self.written(later),
                    reason="lỗi",
                )
            )
        if rng.random() < 0.08:
            self.retract(rng.choice(facts))

    def audience(self, number: int) -> None:
        agency = self.rng.choice(self.world.agencies)
        at = self.moment()
        for again in range(self.rng.choice((1, 1, 2))):
            moment = at + timedelta(minutes=again)
            channel = self.rng.choice(("portal", "facebook"))
            data: dict[str, Any] = {"visits": self.rng.randrange(5_000)}
            if channel == "facebook":
                data = {"reach": self.rng.randrange(9_000), "followers": 10_000 + number}
            day = at.astimezone(HANOI).date().isoformat()
            self.fact(
                "content", "audience.measured", f"{agency}:{channel}:{day}", moment,
                agency=agency, channel=channel, date=day, **data,
            )  # fmt: skip

    def question(self, number: int) -> None:
        rng, key = self.rng, f"cau-hoi-{self.world.seed}-{number}"
        agency = rng.choice(self.world.agencies)
        at = self.moment(30)
        facts = [
            self.fact(
                "qa",
                "question.received",
                key,
                at,
                question_id=key,
                agency=agency,
                received_at=self.written(at),
            )
        ]
        if rng.random() < 0.12:
            later = at + timedelta(hours=2)
            facts.append(
                self.fact(
                    "qa", "question.deleted", key, later, question_id=key, agency=agency,
                    deleted_at=self.written(later), reason="duplicate",
                )
            )  # fmt: skip
        else:
            facts += self.answered(key, agency, at)
        # What follows a forward is said by the agency that took over, so a forward is never taken back here.
        retractable = [fact for fact in facts if "forwarded" not in fact.event["type"]]
        if rng.random() < 0.08:
            self.retract(rng.choice(retractable[1:] or retractable))

    def answered(self, key: str, agency: str, at: datetime) -> list[Sent]:
        rng = self.rng
        facts = []
        if rng.random() < 0.2:
            at += timedelta(hours=1)
            target = rng.choice([other for other in self.world.agencies if other != agency])
            facts.append(
                self.fact(
                    "qa", "question.forwarded", key, at, question_id=key, agency=agency,
                    to_agency=target, forwarded_at=self.written(at),
                )
            )  # fmt: skip
            return facts if rng.random() < 0.3 else facts + self.accepted(key, target, at)
        return self.accepted(key, agency, at)

    def accepted(self, key: str, agency: str, at: datetime) -> list[Sent]:
        rng = self.rng
        if rng.random() < 0.1:
            return []
        at += timedelta(hours=1)
        facts = [
            self.fact(
                "qa",
                "question.accepted",
                key,
                at,
                question_id=key,
                agency=agency,
                accepted_at=self.written(at),
            )
        ]
        if rng.random() < 0.85:
            at += timedelta(hours=20) if rng.random() < 0.75 else timedelta(days=35)
            facts.append(
                self.fact(
                    "qa", "question.answered", key, at, question_id=key, agency=agency,
                    answered_at=self.written(at), answerer_title=rng.choice(("Giám đốc", "Phó Giám đốc")),
                )
            )  # fmt: skip
        return facts

    def dossier(self, number: int) -> None:
        rng, key = self.rng, f"H38.{self.world.seed}-240102-{number:06d}"
        at = self.moment(50)
        base = {"dossier_code": key, "agency": rng.choice(self.world.agencies)}
        due = at + timedelta(days=rng.choice((3, 5)))
        with_due = {"due_at": self.written(due)} if rng.random() < 0.93 else {}
        facts = [
            self.fact(
                "dossier", "dossier.received", key, at, **base, procedure_code="1.001234",
                channel=rng.choice(("online", "online", "one_stop")), received_at=self.written(at),
                **with_due,
            )
        ]  # fmt: skip
        ending = rng.random()
        if ending < 0.05:
            facts.append(self.ended("rejected", key, base, at + timedelta(hours=3), reason="thiếu hồ sơ"))
        elif ending < 0.1:
            facts.append(self.ended("withdrawn", key, base, at + timedelta(hours=5)))
        elif ending < 0.92:
            facts += self.resolved(key, base, at, due)
        # Half a pause, or a pause without an end to the dossier, would hang on how a province counts pauses;
        # a refusal without a receipt, on whether it counts one that was never received.
        paused = any("supplement" in fact.event["type"] for fact in facts)
        refused = any("rejected" in fact.event["type"] for fact in facts)
        if rng.random() < 0.04:
            self.retract(facts[0] if paused else facts[-1] if refused else rng.choice(facts))

    def ended(self, how: str, key: str, base: dict[str, Any], at: datetime, **more: Any) -> Sent:
        return self.fact(
            "dossier", f"dossier.{how}", key, at, **base, **{f"{how}_at": self.written(at)}, **more
        )

    def resolved(self, key: str, base: dict[str, Any], at: datetime, due: datetime) -> list[Sent]:
        """Resolved within a day, or more than three weeks after any due instant; some paused or extended."""
        rng = self.rng
        facts = []
        way = rng.random()
        if way < 0.08:
            stop, go = at + timedelta(hours=2), at + timedelta(hours=26)
            facts += [
                self.fact(
                    "dossier", "dossier.supplement_requested", key, stop, **base, at=self.written(stop)
                ),
                self.fact("dossier", "dossier.supplemented", key, go, **base, at=self.written(go)),
            ]
            at = go
        elif way < 0.14:
            asked = at + timedelta(hours=4)
            facts.append(
                self.fact(
                    "dossier", "dossier.extended", key, asked, **base, at=self.written(asked),
                    new_due_at=self.written(due + timedelta(days=2)), apology=True,
                )
            )  # fmt: skip
        end = at + timedelta(hours=20) if rng.random() < 0.85 else due + timedelta(days=25)
        facts.append(self.ended("resolved", key, base, end, outcome="approved"))
        if rng.random() < 0.5:
            facts.append(self.ended("returned", key, base, end + timedelta(hours=6)))
        return facts

    def procedure(self, number: int) -> None:
        rng, key = self.rng, f"1.{self.world.seed}{number:06d}"
        at = self.moment()
        self.fact(
            "dossier", rng.choice(("procedure.published", "procedure.published", "procedure.abolished")),
            key, at, procedure_code=key, agency=rng.choice(self.world.agencies), level="province",
            service_level="full", decision=f"QĐ-{rng.randrange(12)}", at=self.written(at),
        )  # fmt: skip


def disorder(facts: list[Sent], rng: random.Random, repeats: float, out_of_order: float) -> Iterator[Sent]:
    """The facts as a bad network delivers them: some long after their turn, some twice or more."""
    slots = [
        (index + (rng.randrange(50, 3_000) if rng.random() < out_of_order else 0), index)
        for index in range(len(facts))
    ]
    order = [index for _, index in sorted(slots)]
    for place, index in enumerate(order):
        yield facts[index]
        if rng.random() < repeats:
            yield facts[order[rng.randrange(max(0, place - 500), place + 1)]]
