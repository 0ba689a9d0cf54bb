"""Staff, doctors, roles, offices and settings; the patients come from patients.py."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date

from .codebooks import GROUP_PRIORITY, GROUPS
from .core import EPOCH_2009, EPOCH_2020, World, cents, weighted
from .framework import MODELS, pairs_of
from .names import CULTURES, ascii_word, phone, place
from .nasty import CONTROL_TEXT, INVALID_EMAILS, INVALID_PHONES

OFFICE_COUNTRIES = {
    "USA": 500,
    "usa": 20,
    "United States": 20,
    "US": 13,
    "India": 140,
    "india": 15,
    "Japan": 100,
    "日本": 10,
    "Thailand": 64,
    "Germany": 8,
    "Brazil": 3,
    None: 4,
}
COUNTRY_CULTURE: dict[str | None, str] = {
    "India": "india",
    "india": "india",
    "Japan": "japan",
    "日本": "japan",
    "Thailand": "thailand",
    "Germany": "europe",
    "Brazil": "latin",
}


def build(world: World) -> None:
    rng = world.enter("people")
    users = world.users = _staff_and_doctors(world, rng)
    _roles(world, rng, users)
    _offices(world, rng, users)


def build_settings(world: World) -> None:
    """What hangs on users; after the patients, who are users too."""
    rng = world.enter("settings")
    _settings(world, rng, world.users)
    _accounts(world, rng, world.users)


# ---------------------------------------------------------------- users


@dataclass
class Users:
    """What later steps must know about the users made so far."""

    world: World
    staff: list[int] = field(default_factory=list)
    doctors: list[int] = field(default_factory=list)
    technicians: list[int] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    groups: dict[int, set[int]] = field(default_factory=dict)
    flags: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    settings: set[int] = field(default_factory=set)  # users with a dispatch_doctorsetting row
    emails: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    usernames: dict[int, str] = field(default_factory=dict)
    is_patient: set[int] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

    def add(
        self,
        first: str,
        last: str,
        email: str,
        *,
        groups: tuple[int, ...],
        staff: bool = False,
        superuser: bool = False,
        username: str = "",
        last_login: str | None = None,
        test: bool = False,
    ) -> int:
        world, rng = self.world, self.world.rng
        username = username or self.free_name(first, last)
        self.taken.add(username)
        usable = staff or bool(email) or rng.random() < 0.2
        salt = "".join(rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=12))
        key = world.tables["auth_user"].add(
            password=f"pbkdf2_sha256$150000${salt}${rng.getrandbits(256):064x}" if usable else f"!{salt}",
            last_login=last_login,
            is_superuser=superuser,
            username=username,
            first_name=first,
            last_name=last,
            email=email,
            is_staff=staff,
            is_active=rng.random() < 0.95,
            date_joined=world.when(EPOCH_2009),
        )
        self.groups[key] = set(groups)
        self.flags[key] = (superuser, staff)
        self.emails[key], self.names[key], self.usernames[key] = email, f"{first} {last}", username
        for group in groups:
            world.tables["auth_user_groups"].add(user_id=key, group_id=group)
        if test:
            world.ledger.defect("test_account", "auth_user", "username", key)
        return key

    def free_name(self, first: str, last: str) -> str:
        base = f"{ascii_word(first, 'user')}.{ascii_word(last, 'x')}"
        name = base
        while name in self.taken:
            name = f"{base}.{self.world.rng.randrange(100_000)}"
        return name

    def profile_type(self, user: int) -> str | None:
        """The documented priority rule; None when nothing says what the user is."""
        for group in GROUP_PRIORITY:
            if group in self.groups[user]:
                return GROUPS[group][1]
        superuser, staff = self.flags[user]
        if superuser:
            return "admin"
        if staff:
            return "support_agent"
        if user in self.is_patient:
            return "patient"
        return "doctor" if user in self.settings else None


def email_of(rng: random.Random, first: str, last: str, host: str = "") -> str:
    host = host or rng.choice(("example.com", "example.org", "example.net", "mail.example", "clinic.example"))
    return f"{ascii_word(first, 'user')}.{ascii_word(last, 'x')}{rng.choice(('', '', rng.randrange(100)))}@{host}"


def _staff_and_doctors(world: World, rng: random.Random) -> Users:
    world.table("auth_user")
    world.table("auth_user_groups")
    users = Users(world)
    n_staff = world.n(110, 14)
    n_doctors = max(16, world.n(9_839, 98) - (world.n(8_488, 85) - world.n(12)) - n_staff)
    for number in range(n_staff):
        first, last = name_of(rng, "us", rng.random() < 0.5)
        group = 11 if number >= 6 and number % 4 else (4, 5, 3, 6, 7, 8)[number % 6]
        groups = {1: (11, 5), 2: (3, 6), 4: (), 5: ()}.get(number, (group,))
        key = users.add(
            first,
            last,
            email_of(rng, first, last, "portal.example"),
            groups=groups,
            staff=True,
            superuser=number in (0, 4),
            last_login=world.when(EPOCH_2020),
        )
        users.staff.append(key)
        if 11 in groups:
            users.technicians.append(key)
    odd = world.picks(
        n_doctors - 2,
        invalid_email=8,
        null_email=3,
        duplicate_email=10,
        no_group=20,
        nothing=6,
        two_groups=8,
        test_account=8,
        case_collision=3,
        username_padding=2,
        infinity_login=2,
    )
    for number in range(n_doctors):
        kind = odd.get(number - 2, "")  # the first two are plain: others repeat values of an earlier doctor
        culture = weighted(rng, {"us": 55, "latin": 8, "europe": 5, "india": 16, "japan": 10, "thailand": 6})
        first, last = name_of(rng, culture, rng.random() < 0.6)
        email = email_of(rng, first, last, "clinic.example") if rng.random() < 0.75 else ""
        twin = 0
        groups, username, login = (2,), "", world.when(EPOCH_2020) if rng.random() < 0.8 else None
        if kind == "invalid_email":
            email = rng.choice(INVALID_EMAILS)
        elif kind == "null_email":
            email = rng.choice(("null", "NULL", "None"))
        elif kind == "duplicate_email":
            email = next(
                (e for d in reversed(users.doctors) if (e := users.emails[d]).endswith("@clinic.example")), email
            )
            email = email.upper() if rng.random() < 0.3 else email
        elif kind in ("no_group", "nothing"):
            groups = ()
        elif kind == "two_groups":
            groups = (2, rng.choice((4, 3, 7)))
        elif kind == "test_account":
            first, last, email, username = (
                "Test",
                rng.choice(("Doctor", "Test")),
                "dr@test.example",
                f"test.doctor.{number}",
            )
        elif kind == "case_collision":
            twin = users.doctors[-1]
            username = users.usernames[twin].title()
        elif kind == "infinity_login":
            login = "infinity"
        if kind == "username_padding":
            first = f" {first}  "
        key = users.add(
            first, last, email, groups=groups, username=username, last_login=login, test=kind == "test_account"
        )
        if kind == "case_collision":
            for one in (twin, key):
                world.ledger.defect("username_case_collision", "auth_user", "username", one)
        if kind == "username_padding":
            world.ledger.defect("untrimmed", "auth_user", "first_name", key)
        if kind == "nothing":
            continue
        if kind == "infinity_login":
            world.ledger.defect("date_out_of_range", "auth_user", "last_login", key)
        if kind == "invalid_email":
            world.ledger.defect("invalid_email", "auth_user", "email", key)
        users.doctors.append(key)
        if kind == "no_group" or rng.random() < 0.92:
            users.settings.add(key)
    return users


def name_of(rng: random.Random, culture: str, male: bool) -> tuple[str, str]:
    c = CULTURES[culture]
    return rng.choice(c.male if male else c.female), rng.choice(c.family)


# ---------------------------------------------------------------- roles, settings


def _roles(world: World, rng: random.Random, users: Users) -> None:
    roles = world.table("dispatch_role")
    names = {1: "Sectioning", 2: "Quality control", 3: "Design", 4: "Manufacturing", 5: "Master", 6: "Remote"}
    for number in range(48):
        technician = number < 31
        kind = 12 if number == 30 else number % 6 + 1 if technician else None
        name = f"{names[number % 6 + 1]} {number // 6 + 1}" if technician else f"Office role {number - 30}"
        roles.add(
            name=name,
            abbrev="".join(w[0] for w in name.split())[:20],
            type=kind,
            order=number,
            group_id=11 if technician else rng.choice((4, 5, 6, 7, 8)),
            user_id=rng.choice(users.technicians) if technician and number % 9 else None,
        )
    granted = world.table("dispatch_role_permissions")
    for role, permission in pairs_of(rng, roles.ids, world.ids("auth_permission"), 1_346):
        granted.add(role_id=role, permission_id=permission)


def _settings(world: World, rng: random.Random, users: Users) -> None:
    doctors = sorted(users.settings)
    setting = world.table("dispatch_doctorsetting")
    unknown = world.picks(len(doctors), tier=6)
    ids = []
    for number, user in enumerate(doctors):
        ids.append(
            setting.add(
                user_id=user,
                clinical_preferences=rng.choice(
                    ("", "", "No IPR on anteriors", "Prefers .018 slot\nCall before shipping")
                ),
                sq_customer_id=f"SQ{rng.getrandbits(40):010X}" if rng.random() < 0.5 else "",
                promised_payment=cents(rng.random() * 9_000),
                credit=cents(rng.random() * 500) if rng.random() < 0.3 else None,
                tier_finish=date(2026, 1, 1) if rng.random() < 0.4 else None,
                tier_type=7 if number in unknown else rng.choice((1, 2, 3, None)),
                installment_payments=rng.random() < 0.2,
                baa_agreed_at=world.when(EPOCH_2020) if rng.random() < 0.7 else None,
                eula_agreed_at=world.when(EPOCH_2020),
                company_account=rng.random() < 0.1,
            )
        )
    for name, pool in (("masters", users.technicians), ("sales", users.staff)):
        table = world.table(f"dispatch_doctorsetting_{name}")
        for left, user in pairs_of(rng, ids, pool, world.n(300, 5)):
            table.add(doctorsetting_id=left, user_id=user)
    usersetting = world.table("dispatch_usersetting")
    for user in (users.doctors + users.staff)[: world.n(1_181, 12)]:
        usersetting.add(user_id=user, emails=rng.random() < 0.6, require_2fa=rng.random() < 0.1)
    for user in [*users.groups]:
        world.ledger.count(f"profiles_{users.profile_type(user) or 'undecided'}")
        world.ledger.count("doctors", 2 in users.groups[user] or user in users.settings)
        world.ledger.count("technicians", 11 in users.groups[user])
        found = len(users.groups[user])
        if found == 0:
            world.ledger.defect("user_without_group", "auth_user", "id", user)
        elif found > 1:
            world.ledger.defect("user_in_several_groups", "auth_user", "id", user)


def _accounts(world: World, rng: random.Random, users: Users) -> None:
    """Tables that the migration leaves behind on purpose."""
    addresses = world.table("account_emailaddress")
    seen: set[str] = set()
    for user, email in users.emails.items():
        if email and "@" in email and email.lower() not in seen and len(seen) < world.n(900, 10):
            seen.add(email.lower())
            addresses.add(email=email, verified=rng.random() < 0.7, primary=True, user_id=user)
    confirmations = world.table("account_emailconfirmation")
    for address in addresses.ids[::3]:
        confirmations.add(
            created=world.when(), sent=world.when(), key=f"{rng.getrandbits(240):060x}", email_address_id=address
        )
    devices = world.table("otp_email_emaildevice")
    for user in users.staff:
        devices.add(name="default", confirmed=True, key=f"{rng.getrandbits(160):040x}", user_id=user)
    sessions = world.table("django_session")
    sessions.columns = ("session_key",)
    for _ in range(world.n(400, 5)):
        key = f"{rng.getrandbits(160):040x}"[:32]
        sessions.lines.append(f"{key}\t{rng.getrandbits(400):0100x}\t{world.when(EPOCH_2020)}")
    sessions.columns = ("session_key", "session_data", "expire_date")
    log = world.table("django_admin_log")
    for _ in range(world.n(3_000, 20)):
        model = rng.choice(("dispatch.office", "auth.user"))
        log.add(
            action_time=world.when(),
            object_id=str(rng.choice(world.ids(MODELS[model]))),
            object_repr="object",
            action_flag=rng.randint(1, 3),
            change_message="[]",
            content_type_id=world.type_id[model],
            user_id=rng.choice(users.staff),
        )
    permissions = world.table("auth_user_user_permissions")
    for user, permission in pairs_of(rng, users.staff, world.ids("auth_permission"), 60):
        permissions.add(user_id=user, permission_id=permission)
    languages = world.table("dispatch_language")
    for user in users.doctors[::4]:
        languages.add(user_id=user, code=rng.choice(("en", "ja", "hi", "th", "es")))
    masters = world.table("dispatch_master")
    for user in users.technicians[:5]:
        masters.add(user_id=user)
    for name in ("dispatch_client", "dispatch_client3d"):
        table = world.table(name)
        for _ in range(world.n(200, 3)):
            table.add()


# ---------------------------------------------------------------- offices


def _offices(world: World, rng: random.Random, users: Users) -> None:
    offices, links = world.table("dispatch_office"), world.table("dispatch_office_doctors")
    count = world.n(897, 40)
    n_valid = round(count * 546 / 897)
    odd = world.picks(count, tax_as_percent=60, tax_impossible=3, null_city=8, invalid_phone=12, control=4, padded=10)
    practising = users.doctors[: max(8, world.n(424))]
    world.offices_of = {}
    every: list[tuple[int, str]] = []
    order = rng.sample(range(count), count)
    for number in range(count):
        kind = odd.get(number, "")
        country = weighted(rng, OFFICE_COUNTRIES)
        culture = COUNTRY_CULTURE.get(country, "us")
        address, city, state, postcode = place(rng, culture)
        rate = rng.choice((0.0, 0.0625, 0.0825, 0.1025, 0.0888, 0.1))
        tax = f"{rate:.4f}" if rng.random() < 0.8 else None
        if kind == "tax_as_percent":
            tax = f"{max(rate, 0.0625) * 100:.4f}"
        elif kind == "tax_impossible":
            tax = rng.choice(("725.0000", "999.9999"))
        name = (
            f"{rng.choice(CULTURES[culture].family)} Orthodontics"
            if rng.random() < 0.9
            else rng.choice(("Smile & Co.", 'O\'Hara "Braces"', "ยิ้มสวย คลินิก", "さくら矯正歯科"))
        )
        number_text = phone(rng, culture) if rng.random() < 0.85 else ""
        valid, opted_in = order[number] < n_valid, rng.random() < 0.6
        key = offices.add(
            doctor_id=rng.choice(practising) if rng.random() < 0.5 else None,
            name={"control": f"{name} {rng.choice(CONTROL_TEXT)}", "padded": f"  {name}  "}.get(kind, name),
            address=address,
            apt=rng.choice(("", "", "Suite 200", "#4B", None)),
            city=rng.choice(("null", "None", "undefined")) if kind == "null_city" else city,
            state=state,
            zip=postcode,
            country=country,
            phone=rng.choice(INVALID_PHONES) if kind == "invalid_phone" else number_text,
            tax_rate=tax,
            valid=valid if valid or rng.random() < 0.9 else None,
            sq_customer_id=f"SQ{rng.getrandbits(40):010X}" if rng.random() < 0.3 else "",
            emails=opted_in,
        )
        world.ledger.count("offices_valid", valid)
        world.ledger.count("offices_opted_out_of_email", not opted_in)
        if kind in ("tax_as_percent", "tax_impossible"):
            world.ledger.defect(kind, "dispatch_office", "tax_rate", key)
        if kind == "invalid_phone":
            world.ledger.defect("invalid_phone", "dispatch_office", "phone", key)
        if kind == "control":
            world.ledger.defect("control_characters", "dispatch_office", "name", key)
        if kind == "padded":
            world.ledger.defect("untrimmed", "dispatch_office", "name", key)
        every.append((key, culture))
    for doctor in practising:  # several offices, sometimes in several countries
        for key, culture in rng.sample(every, rng.choice((1, 1, 1, 2, 2, 3, 5))):
            links.add(office_id=key, user_id=doctor)
            world.offices_of.setdefault(doctor, []).append((key, culture))
