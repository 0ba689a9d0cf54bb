"""Patients, with the truth about who is the same person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from .core import EPOCH_2020, Row, World, weighted
from .names import CULTURES, NICKNAMES, ROMAJI, phone, place, plain
from .nasty import INVALID_EMAILS, INVALID_PHONES, JSON_KINDS, document
from .people import Users, email_of, name_of


@dataclass(frozen=True)
class Person:
    number: int
    culture: str
    first: str
    last: str
    sex: int | None
    born: date
    email: str
    phone: str
    address: str
    city: str
    postcode: str


DUPLICATES = {  # a second registration of the same person: kind -> how many at full scale
    "exact_copy": 40,
    "typo_in_name": 50,
    "swapped_day_month": 35,
    "moved_address": 40,
    "married_name": 30,
    "accent_dropped": 25,
    "other_script": 15,
    "nickname": 25,
    "missing_fields": 40,
    "swapped_names": 20,
    "wrong_year": 15,
}


class People:
    """Persons, families and re-registrations, before they become rows."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng
        self.persons: list[Person] = []
        self.reserved = 0  # leading persons that never get a second registration
        self.rows: list[tuple[Person, str]] = []  # (data as registered, kind of duplicate or '')
        self.negatives: list[tuple[str, list[int]]] = []

    def person(self, **given: Any) -> Person:
        rng = self.rng
        culture = given.get("culture") or weighted(
            rng, {"us": 55, "latin": 8, "europe": 4, "india": 17, "japan": 10, "thailand": 6}
        )
        sex = given.get("sex") or rng.choice((1, 2))
        first, last = name_of(rng, culture, sex == 1)
        address, city, _, postcode = place(rng, culture)
        value: Row = {
            "culture": culture,
            "first": first,
            "last": last,
            "sex": sex,
            "born": date(1955, 1, 1) + timedelta(days=int(rng.betavariate(6, 3) * 23_000)),
            "email": email_of(rng, first, last) if rng.random() < 0.04 else "",
            "phone": phone(rng, culture) if rng.random() < 0.7 else "",
            "address": address,
            "city": city,
            "postcode": postcode,
        }
        person = Person(number=len(self.persons) + 1, **(value | given))
        self.persons.append(person)
        self.rows.append((person, ""))
        return person

    def sharing(self, other: Person, **given: Any) -> Person:
        """Another person of the same household."""
        shared: Row = {
            name: getattr(other, name) for name in ("culture", "last", "email", "phone", "address", "city", "postcode")
        }
        return self.person(**(shared | given))

    def parent(self, **given: Any) -> Person:
        """A person whose contact data belong to a parent."""
        culture = weighted(self.rng, {"us": 60, "latin": 10, "europe": 5, "india": 15, "japan": 10})
        first, last = name_of(self.rng, culture, False)
        return self.person(
            culture=culture, last=last, email=email_of(self.rng, first, last), phone=phone(self.rng, culture), **given
        )

    def hard(self, kind: str, *people: Person) -> None:
        self.negatives.append((kind, [p.number for p in people]))

    def fill(self, rows: int) -> None:
        world, rng = self.world, self.rng
        duplicates = {kind: world.n(full) for kind, full in DUPLICATES.items()}
        target = rows - sum(duplicates.values())
        for _ in range(world.n(45)):
            one = self.parent()
            self.hard(
                "twins",
                one,
                self._sibling(one, born=one.born, sex=one.sex if rng.random() < 0.6 else 3 - (one.sex or 0)),
            )
        for _ in range(world.n(30)):
            senior = self.person(
                culture="us", sex=1, born=date(rng.randint(1955, 1978), rng.randint(1, 12), rng.randint(1, 28))
            )
            marks = rng.choice(((" Sr.", " Jr."), ("", " Jr."), ("", ""), ("", " II")))
            self._replace(senior, last=senior.last + marks[0])
            junior = self.sharing(
                senior,
                first=senior.first,
                last=senior.last + marks[1],
                sex=1,
                born=date(senior.born.year + rng.randint(22, 34), rng.randint(1, 12), rng.randint(1, 28)),
            )
            self.hard("senior_junior", self.persons[senior.number - 1], junior)
        for _ in range(world.n(420, 4)):
            one = self.parent()
            others = [self._sibling(one, born=one.born + timedelta(days=rng.randint(330, 2_600)))]
            if rng.random() < 0.25:
                others.append(
                    self._sibling(one, born=one.born - timedelta(days=rng.randint(330, 2_600)), taken={others[0].first})
                )
            self.hard("siblings", one, *others)
        for _ in range(world.n(40)):
            one = self.person()
            self.hard("namesakes", one, self.person(culture=one.culture, first=one.first, last=one.last, sex=one.sex))
        for _ in range(world.n(3)):
            one = self.person(culture="japan")
            self.hard(
                "namesakes_same_birthdate",
                one,
                self.person(
                    culture="japan",
                    first=one.first,
                    last=one.last,
                    sex=one.sex,
                    born=one.born,
                    email="",
                    city="札幌市",
                    address="北1条西2丁目 7",
                ),
            )
        self.person(culture="us", last="Null")  # a real surname
        for sure in (
            {"culture": "us", "first": "William"},
            {"culture": "latin", "first": "José", "last": "Núñez"},
            {"culture": "japan"},
        ):
            self.person(**sure, sex=1)  # at least one candidate for each kind of duplicate
        while len(self.rows) < target:
            self.person()
        originals = rng.sample(self.persons[self.reserved :], len(self.persons) - self.reserved)
        for kind, count in duplicates.items():
            for _ in range(count):
                at, twin = next((i, t) for i, p in enumerate(originals) if (t := self._variant(kind, p)))
                person = originals.pop(at)
                if rng.random() < 0.15:  # may be registered a third time
                    originals.insert(rng.randrange(20), person)
                self.rows.append((twin, kind))
        rng.shuffle(self.rows)

    def _sibling(self, one: Person, taken: frozenset[str] | set[str] = frozenset(), **given: Any) -> Person:
        sex = given.pop("sex", None) or self.rng.choice((1, 2))
        pool = CULTURES[one.culture].male if sex == 1 else CULTURES[one.culture].female
        first = self.rng.choice([n for n in pool if n != one.first and n not in taken])
        return self.sharing(one, first=first, sex=sex, **given)

    def _replace(self, person: Person, **changes: Any) -> None:
        changed = replace(person, **changes)
        self.persons[person.number - 1] = changed
        self.rows[next(i for i in range(len(self.rows) - 1, -1, -1) if self.rows[i][0] is person)] = (changed, "")

    def _variant(self, kind: str, p: Person) -> Person | None:
        """The person as registered a second time; None where this kind of slip is impossible."""
        rng = self.rng
        if kind == "exact_copy":
            return p
        if kind == "typo_in_name":
            name, at = ("first", "last")[rng.randrange(2)], rng.randrange(1, 4)
            old = getattr(p, name)
            if not old.isascii() or len(old) < 5:
                return None
            letter = rng.choice("aeioustn")
            new = rng.choice(
                (
                    old[:at] + old[at + 1 :],
                    old[:at] + old[at + 1] + old[at] + old[at + 2 :],
                    old[:at] + letter + old[at:],
                )
            )
            return replace(p, **{name: new}) if new != old else None
        if kind == "swapped_day_month":
            return (
                replace(p, born=p.born.replace(day=p.born.month, month=p.born.day))
                if p.born.day <= 12 and p.born.day != p.born.month
                else None
            )
        if kind == "moved_address":
            address, city, _, postcode = place(rng, p.culture)
            return replace(p, address=address, city=city, postcode=postcode, phone=phone(rng, p.culture), email="")
        if kind == "married_name":
            family = rng.choice(CULTURES[p.culture].family)
            return replace(p, last=family) if p.sex == 2 and p.born.year < 2002 and family != p.last else None
        if kind == "accent_dropped":
            bare = replace(p, first=plain(p.first), last=plain(p.last))
            return bare if bare != p and bare.first.isascii() and bare.last.isascii() else None
        if kind == "other_script":
            if p.first not in ROMAJI or p.last not in ROMAJI:
                return None
            return replace(p, first=ROMAJI[p.first], last=ROMAJI[p.last])
        if kind == "nickname":
            return replace(p, first=NICKNAMES[p.first]) if p.first in NICKNAMES else None
        if kind == "missing_fields":
            return replace(p, sex=None, email="", phone="", address="", city="", postcode="") if p.phone else None
        if kind == "swapped_names":
            return replace(p, first=p.last, last=p.first) if " " not in p.last and p.last != "Null" else None
        if kind == "wrong_year":
            return (
                replace(p, born=p.born.replace(year=p.born.year + rng.choice((-1, 1, -10, 10))))
                if p.born.day <= 28
                else None
            )
        raise ValueError(kind)


BAD_DATES = ("infinity", "1900-01-01", "2091-05-02", "0044-03-15 BC", "19985-07-02", "-infinity", "0001-01-01")


def build(world: World) -> None:
    rng, users = world.enter("patients"), world.users
    table, ledger = world.table("dispatch_patient"), world.ledger
    people = People(world)
    registrations = _registrations(world, people)
    mark, unborn = _marks(world, people, registrations)
    doctors = sorted(world.offices_of)
    free_doctors = [d for d in users.doctors if 1 not in users.groups[d] and not users.names[d].startswith("Test ")]
    bad_dates = _cycle(BAD_DATES)
    truth: dict[int, list[int]] = {}
    world.patients, world.duplicates, world.excluded = [], [], []

    for at, (p, kind, role) in enumerate(registrations):
        odd = mark.get(at)
        first, last, email, number = p.first, p.last, p.email, p.phone
        suffix = f"{rng.randrange(100):02d}{rng.choice('ABCDEF')}{rng.choice('ABCDEF')}"
        if odd == "null_name":
            first = rng.choice(("null", "NULL", "None", "undefined"))
        elif odd == "blank_name":
            first = ""
        elif odd == "padded":
            first, last = f" {first}", f"{last}  "
        elif odd == "invalid_email":
            email = rng.choice(INVALID_EMAILS)
        elif odd == "invalid_phone":
            number = rng.choice(INVALID_PHONES)
        elif odd == "suffix_long":
            suffix = f"{suffix}-transferred"
        if role == "doctor":
            user = free_doctors.pop(rng.randrange(len(free_doctors)))
            users.groups[user].add(1)
            world.tables["auth_user_groups"].add(user_id=user, group_id=1)
        elif role == "test":
            user = users.add(
                "Test",
                rng.choice(("Test", "Patient")),
                "pat@test.example",
                groups=(1,),
                username=f"test.patient.{at}",
                test=True,
            )
        else:
            user = users.add(first, last, email, groups=() if odd == "no_group" else (1,))
        users.is_patient.add(user)
        users.patients.append(user)
        doctor = rng.choice(doctors)
        office = rng.choice(world.offices_of[doctor])[0] if rng.random() < 0.97 else None
        status = weighted(rng, {1: 60, 2: 15, 4: 20, 10: 5})
        archived, suspended = rng.random() < 0.154, rng.random() < 0.02
        schemes: str | None = document(
            odd if odd in JSON_KINDS else None,
            rng,
            {"upper": rng.randint(1, 5), "lower": rng.randint(1, 5), "note": p.city},
        )
        if rng.random() < 0.3 and odd not in JSON_KINDS:
            schemes = rng.choice(("", None))
        if odd == "huge_scheme":
            schemes = '{"points": [' + ",".join(str(i % 997) for i in range(60_000)) + "]}"
        key = table.add(
            user_id=user,
            doctor_id=rng.choice(users.technicians) if odd == "wrong_doctor" else doctor,
            office_id=office,
            birthdate=next(bad_dates) if odd == "bad_date" else None if at in unborn else p.born,
            sex=7 if odd == "unknown_sex" else p.sex if rng.random() < 0.98 or kind else 0,
            status=rng.choice((3, 99)) if odd == "unknown_status" else status,
            archived=archived,
            suspended=suspended,
            schemes=schemes,
            suffix=suffix,
            phone=number,
            address=p.address,
            city=p.city,
            zip=p.postcode,
            submitted_at=world.when(),
            updated_at=world.when(EPOCH_2020) if rng.random() < 0.9 else None,
        )
        if odd in JSON_KINDS:
            ledger.defect(odd, "dispatch_patient", "schemes", key)
        for name, defect, column in (
            ("bad_date", "date_out_of_range", "birthdate"),
            ("suffix_long", "text_too_long", "suffix"),
            ("invalid_phone", "invalid_phone", "phone"),
            ("wrong_doctor", "doctor_is_not_a_doctor", "doctor_id"),
        ):
            if odd == name:
                ledger.defect(defect, "dispatch_patient", column, key)
        if odd == "invalid_email":
            ledger.defect("invalid_email", "auth_user", "email", user)
        if odd == "padded":
            ledger.defect("untrimmed", "auth_user", "first_name", user)
        ledger.count("patients_not_archived", not archived)
        ledger.count("patients_archived_or_suspended", archived or suspended)
        world.patients.append(
            {
                "id": key,
                "user": user,
                "doctor": doctor,
                "office": office,
                "suffix": suffix,
                "name": f"{first} {last}",
                "status": status,
            }
        )
        if role == "test":
            world.excluded.append(key)
        truth.setdefault(p.number, []).append(key)
        if kind:
            world.duplicates.append({"patient": key, "person": f"p{p.number:05d}", "kind": kind})
    world.truth = {f"p{number:05d}": sorted(keys) for number, keys in sorted(truth.items())}
    world.negatives = [
        {
            "kind": kind,
            "persons": [f"p{n:05d}" for n in numbers],
            "patients": sorted(k for n in numbers for k in truth[n]),
        }
        for kind, numbers in people.negatives
    ]
    _email_groups(world, users)


def _registrations(world: World, people: People) -> list[tuple[Person, str, str]]:
    """Person as registered, kind of duplicate, role; the role is '' but for doctors treated here and for test accounts."""
    n_doctors, n_tests = world.n(12), world.n(12)
    for _ in range(n_doctors + n_tests):
        people.person(culture="us")
    special = people.rows[:]
    people.rows.clear()
    people.reserved = len(special)
    people.fill(world.n(8_488, 85) - len(special))
    registrations = [(*row, "") for row in people.rows]
    for at, (person, _) in enumerate(special):
        registrations.insert(
            world.rng.randrange(len(registrations)), (person, "", "doctor" if at < n_doctors else "test")
        )
    return registrations


def _marks(
    world: World, people: People, registrations: list[tuple[Person, str, str]]
) -> tuple[dict[int, str], set[int]]:
    """Rows with a planted defect, rows without birth date. Only people without a double: the matching truth must stay clear."""
    doubled = {p.number for p, kind in people.rows if kind} | {n for _, numbers in people.negatives for n in numbers}
    quiet = [i for i, (p, _, role) in enumerate(registrations) if p.number not in doubled and not role]
    marks = world.picks(
        len(quiet),
        bad_date=(20, len(BAD_DATES)),
        unknown_sex=6,
        unknown_status=10,
        suffix_long=8,
        null_name=10,
        blank_name=4,
        padded=20,
        invalid_email=12,
        invalid_phone=15,
        wrong_doctor=10,
        no_group=40,
        bad_json=25,
        json_nul=4,
        json_surrogate=2,
        huge_scheme=1,
    )
    mark = {quiet[i]: kind for i, kind in marks.items()}
    return mark, {i for i in quiet if i not in mark and world.rng.random() < 0.03}


def _cycle(values: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from values


def _email_groups(world: World, users: Users) -> None:
    """Addresses used by several users; families mostly. Case is ignored."""
    holders: dict[str, list[int]] = {}
    for user, email in users.emails.items():
        if "@" in email:
            holders.setdefault(email.strip().lower(), []).append(user)
    for email in sorted(holders):
        if len(holders[email]) > 1:
            for user in holders[email]:
                world.ledger.defect("shared_email", "auth_user", "email", user)
