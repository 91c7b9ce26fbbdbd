"""The questions of citizens: received, passed on, accepted, answered or deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from deploy.replay.assumptions import Assumptions, Questions
from deploy.replay.counts import YEAR_BEFORE_DATES
from deploy.replay.drafts import Book
from deploy.replay.figures import Figures
from deploy.replay.worktime import WORKING_DAYS, at, date_of, day, iso, working_index
from shared.contracts.facts import DeletionReason
from shared.register import Register

FIELDS = ("Y tế", "Giáo dục", "Đất đai", "Giao thông", "Chế độ, chính sách", "Thuế", "Tuyển dụng")
LOCALITIES = ("Lào Cai", "Lào Cai", "Lào Cai", "Bà Rịa - Vũng Tàu")
WRONG_TITLES = ("Chuyên viên", "Trưởng phòng nghiệp vụ")
REASONS: tuple[DeletionReason, ...] = ("violation", "duplicate", "handled_elsewhere")

FIRST, LAST = working_index(day("2024-01-02")), working_index(day("2024-03-22"))
"""Working days of the quarter, by their index."""
FIRST_BEFORE, LAST_BEFORE = working_index(day("2023-01-03")), working_index(day("2023-03-22"))
DELETED_BEFORE, LATE_BEFORE, FORGOTTEN_BEFORE = 10, 4, 2
"""What became of the questions of the year before, which the report does not give."""

AFTERWARDS = (
    ("so-giao-duc-va-dao-tao", 1, 1),
    ("so-y-te", 1, 2),
    ("so-tu-phap", 2, 5),
    ("huyen-bao-yen", 2, 6),
    ("so-noi-vu", 3, 6),
    ("thi-xa-sa-pa", 4, 7),
)
"""Questions after 22 March: agency, working days until received and until answered, some in April."""


@dataclass(slots=True)
class QuestionDesk:
    """Writes the questions of all agencies into a book."""

    book: Book
    register: Register
    assumed: Assumptions
    random: Random = field(init=False)
    serial: int = 0
    to_forward: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.book.random.random())

    def write(self, figures: Figures) -> None:
        """Both years and the days after. Raises ValueError when the assumptions miss the figures."""
        check_sums(self.assumed.questions, figures)
        self.to_forward = self.assumed.forwarded
        for agency, questions in self.assumed.questions.items():
            self._quarter(agency, questions)
        self._year_before(figures.before("qa.received"))
        for agency, received, answered in AFTERWARDS:
            number = self._received(agency, LAST + received)
            self._accepted(number, agency, LAST + received, 15)
            self._answered(number, agency, LAST + answered)

    def _quarter(self, agency: str, questions: Questions) -> None:
        for _ in range(questions.on_time):
            start = self.random.randint(FIRST, LAST - 7)
            number = self._arrive(agency, start)
            accepted = start + self.random.randint(1, 2)
            self._accepted(number, agency, accepted, 11)
            self._answered(number, agency, accepted + self.random.randint(1, 4))
        for _ in range(questions.late):
            start = self.random.randint(FIRST, LAST - 12)
            number = self._received(agency, start)
            self._accepted(number, agency, start + 1, 11)
            self._answered(number, agency, start + 1 + self.random.randint(6, 9))
        for _ in range(questions.wrong_title):
            start = self.random.randint(FIRST, LAST - 7)
            number = self._received(agency, start)
            self._accepted(number, agency, start + 1, 11)
            self._answered(number, agency, start + 3, title=self.random.choice(WRONG_TITLES))
        for _ in range(questions.waiting):
            number = self._received(agency, LAST - self.random.randint(3, 5))
            accepted = LAST - self.random.randint(0, 2)
            self._accepted(number, agency, accepted, 16)
            self._answered(number, agency, accepted + 4)
        for _ in range(questions.ignored):
            self._ignored(agency)
        for index in range(questions.deleted):
            self._deleted(agency, self.random.randint(FIRST, LAST - 4), index)

    def _ignored(self, agency: str) -> None:
        """Not accepted by 22 March; a silent agency never does."""
        number = self._received(agency, self.random.randint(FIRST + 15, LAST - 6))
        if agency not in self.assumed.silent:
            self._accepted(number, agency, LAST + 2, 9)
            self._answered(number, agency, LAST + 4)

    def _deleted(self, agency: str, start: int, index: int) -> None:
        number = self._received(agency, start)
        if index % 3 == 2:
            self._accepted(number, agency, start + 1, 9)
        deleted = self._moment(start + 2)
        data = {"question_id": number, "deleted_at": iso(deleted), "reason": REASONS[index % len(REASONS)]}
        self.book.fact("question.deleted", deleted, agency, number, data)

    def _year_before(self, total: int) -> None:
        eligible = [a.slug for a in self.register.eligible("qa", *YEAR_BEFORE_DATES)]
        for index in range(total):
            agency = self.random.choice(eligible[: len(eligible) * 3 // 4])
            start = self.random.randint(FIRST_BEFORE, LAST_BEFORE - 1)
            if index < DELETED_BEFORE:
                self._deleted(agency, start, index)
                continue
            number = self._received(agency, start)
            self._accepted(number, agency, start + 1, 10)
            if index >= total - FORGOTTEN_BEFORE:
                continue
            late = 6 if index < DELETED_BEFORE + LATE_BEFORE else 0
            self._answered(number, agency, start + 1 + late + self.random.randint(1, 3))

    # --------------------------------------------------------------------------------------- facts

    def _arrive(self, agency: str, start: int) -> str:
        """Received by the agency, or by the front desk, which passes it on, sometimes accepted already."""
        if not self.to_forward or self.random.random() < 0.5:
            return self._received(agency, start)
        self.to_forward -= 1
        desk = self.assumed.front_desk
        number = self._received(desk, start)
        if self.to_forward % 3 == 0:
            self._accepted(number, desk, start, 16)
        forwarded = at(WORKING_DAYS[start + 1], 30_000 + self.random.randrange(3_600))
        data = {"question_id": number, "to_agency": agency, "forwarded_at": iso(forwarded)}
        self.book.fact("question.forwarded", forwarded, desk, number, data)
        return number

    def _received(self, agency: str, start: int) -> str:
        self.serial += 1
        received = at(WORKING_DAYS[start], 28_800 + self.random.randrange(14_400))
        number = f"hd-{iso(received)[:4]}-{self.serial:04d}"
        data = {
            "question_id": number,
            "received_at": iso(received),
            "field": self.random.choice(FIELDS),
            "asker_locality": self.random.choice(LOCALITIES),
        }
        self.book.fact("question.received", received, agency, number, data)
        return number

    def _accepted(self, number: str, agency: str, index: int, hour: int) -> None:
        accepted = at(WORKING_DAYS[index], hour * 3_600 + self.random.randrange(2_400))
        data = {"question_id": number, "accepted_at": iso(accepted)}
        self.book.fact("question.accepted", accepted, agency, number, data, step=f"accepted-by-{agency}")

    def _answered(self, number: str, agency: str, index: int, title: str | None = None) -> None:
        answered = self._moment(index)
        if title is None:
            right = self.register.right_titles(agency, date_of(answered)) or ("Thủ trưởng",)
            title = self.random.choice(right)
        data = {"question_id": number, "answered_at": iso(answered), "answerer_title": title}
        self.book.fact("question.answered", answered, agency, number, data)

    def _moment(self, index: int) -> int:
        """Some time in the afternoon of a working day, before the office closes."""
        return at(WORKING_DAYS[index], 50_000 + self.random.randrange(10_000))


def check_sums(questions: Mapping[str, Questions], figures: Figures) -> None:
    """Raises ValueError when the questions per agency do not add up to the report's figures."""
    answered = sum(q.on_time + q.late + q.wrong_title for q in questions.values())
    waiting = sum(q.waiting + q.ignored for q in questions.values())
    deleted = sum(q.deleted for q in questions.values())
    for name, counted in {
        "qa.received": answered + waiting + deleted,
        "qa.eligible": answered + waiting,
        "qa.answered": answered,
        "qa.waiting": waiting,
        "qa.deleted": deleted,
    }.items():
        if counted != figures.count(name):
            raise ValueError(f"assumptions.yaml: {name} adds up to {counted}, not {figures.count(name)}")
