"""Files, messages, read receipts, external links, the audit trail and the five million notifications."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from .clinic import uid
from .core import CHUNK_LINES, Row, World, copy_text, weighted
from .framework import MODELS, STALE_MODELS
from .nasty import CONTROL_TEXT, JSON_KINDS, document, prose

HUGE_TEXT = 1_000_000
Found = tuple[tuple[str, str], ...]  # (kind of defect, column)
EXTENSIONS = {"stl": 30, "jpg": 30, "png": 8, "pdf": 8, "dcm": 8, "zip": 6, "JPG": 4, "ply": 3, "heic": 2, "": 1}
FILE_TYPES = {
    "stl": (1, 2),
    "ply": (1, 2),
    "jpg": (3, 4),
    "JPG": (3, 4),
    "png": (3, 4),
    "heic": (3,),
    "pdf": (6,),
    "dcm": (5,),
    "zip": (0, 7),
    "": (0,),
}


def build(world: World) -> None:
    rng = world.enter("talk")
    _records(world, rng)
    _files(world, rng)


def build_trails(world: World) -> None:
    """Tables that point at everything else."""
    rng = world.enter("trails")
    targets = {"dispatch.instruction": 40, "dispatch.patient": 30, "dispatch.record": 20, "auth.user": 10}
    _generic(
        world,
        rng,
        "dispatch_reading",
        world.n(30_000, 60),
        {"target": targets},
        60,
        lambda _: (
            {"user_id": rng.choice(world.users.staff), "read_at": world.when() if rng.random() < 0.9 else None},
            (),
        ),
    )
    _generic(
        world,
        rng,
        "dispatch_link",
        world.n(6_000, 40),
        {"target": {"dispatch.payment": 40, "auth.user": 30, "dispatch.office": 30}},
        30,
        lambda _: (
            {
                "external_id": f"{rng.getrandbits(48):X}" if rng.random() < 0.95 else "",
                "system": rng.choice(("netsuite", "square", "NetSuite", "")),
                "created_at": world.when(),
                "modified_at": world.when() if rng.random() < 0.5 else None,
            },
            (),
        ),
    )
    count = world.n(40_000, 80)
    odd = world.picks(count, text_too_long=15, bad_json=20, json_nul=3)

    def action(number: int) -> tuple[Row, Found]:
        kind = odd.get(number)
        found = ((kind, "data" if kind in JSON_KINDS else "action"),) if kind else ()
        return {
            "action": "order.status.changed_by_automatic_reconciliation_job_number_seven"
            if kind == "text_too_long"
            else rng.choice(("view", "update", "approve", "ship", "login")),
            "date": world.when(),
            "data": document(
                kind if kind in JSON_KINDS else None, rng, {"ip": f"10.0.{rng.randrange(256)}.{rng.randrange(256)}"}
            )
            if kind or rng.random() < 0.5
            else "",
            "user_id": rng.choice(world.users.staff) if rng.random() < 0.8 else None,
        }, found

    _generic(
        world,
        rng,
        "dispatch_action",
        count,
        {"item": targets, "owner": {"auth.user": 70, "dispatch.office": 20, "dispatch.patient": 10}},
        60,
        action,
    )


def _generic(
    world: World,
    rng: random.Random,
    name: str,
    count: int,
    keys: dict[str, dict[str, int]],
    dangling: int,
    rest: Callable[[int], tuple[Row, Found]],
) -> None:
    """A table with one or two generic foreign keys, some of which point at nothing."""
    table = world.table(name)
    bad = {column: world.picks(count, dangling=dangling, stale=10, half=10) for column in keys}
    for number in range(count):
        row, found = rest(number)
        for column, models in keys.items():
            row |= generic_key(world, rng, column, models, bad[column].get(number))
        key = table.add(**row)
        for kind, column in found:
            world.ledger.defect(kind, name, column, key)
        for column in keys:
            if number in bad[column]:
                note_generic(world, bad[column][number], name, column, key)


def generic_key(world: World, rng: random.Random, column: str, models: dict[str, int], kind: str | None) -> Row:
    model = weighted(rng, models)
    target = rng.choice(world.ids(MODELS[model]))
    if kind == "dangling":
        target += 80_000_000
    elif kind == "stale":
        model = rng.choice(STALE_MODELS)
    return {f"{column}_type_id": world.type_id[model], f"{column}_id": None if kind == "half" else target}


def note_generic(world: World, kind: str, table: str, column: str, key: int) -> None:
    name = {"dangling": "dangling_generic_key", "stale": "stale_content_type", "half": "generic_key_half_null"}[kind]
    world.ledger.defect(name, table, f"{column}_id", key)


def _records(world: World, rng: random.Random) -> None:
    table, count, users = world.table("dispatch_record"), world.n(70_742, 300), world.users
    odd = world.picks(count, dangling=120, stale=15, unknown_type=12, null_type=13, control=20)
    targets = {"dispatch.instruction": 45, "dispatch.patient": 42, "auth.user": 10, "dispatch.order": 3}
    huge = set(rng.sample([number for number in range(count) if number not in odd], 3))
    for number in range(count):
        kind = odd.get(number, "")
        code = {"unknown_type": 4, "null_type": None}.get(kind, weighted(rng, {3: 55, 5: 10, 6: 8, 8: 27}))
        text = prose(rng) if rng.random() < 0.985 else rng.choice(("", " ", None))
        if number in huge:
            text = "".join(rng.choice('abcdefghij é\n\\"') for _ in range(1_000)) * (HUGE_TEXT // 1_000)
        elif kind == "control":
            text = f"{prose(rng, 1)} {rng.choice(CONTROL_TEXT)}"
        group = rng.choice((4, 6, 7, 8, 11)) if rng.random() < 0.08 else None
        key = table.add(
            **generic_key(world, rng, "target", targets, kind),
            type=code,
            text=text,
            public=rng.random() < 0.9,
            created_at=world.when(),
            author_id=rng.choice(users.doctors if rng.random() < 0.5 else users.staff) if rng.random() < 0.96 else None,
            group_id=group,
        )
        if kind in ("dangling", "stale"):
            note_generic(world, kind, "dispatch_record", "target", key)
        if number in huge:
            world.ledger.defect("huge_text", "dispatch_record", "text", key)
        if kind == "control":
            world.ledger.defect("control_characters", "dispatch_record", "text", key)
        world.ledger.count("records_blank", not (text or "").strip())
        world.ledger.count("records_of_a_team", group is not None)
    roles = world.table("dispatch_record_roles")
    for key in rng.sample(table.ids, world.n(2_000, 20)):
        roles.add(record_id=key, role_id=rng.choice(world.ids("dispatch_role")))


def _files(world: World, rng: random.Random) -> None:
    table, count = world.table("dispatch_file"), world.n(327_771, 1_000)
    odd = world.picks(count, orphan=150, bad_json=60, json_nul=6, unknown_type=30, unknown_status=10)
    records, products, orders = world.ids("dispatch_record"), world.ids("dispatch_product"), world.orders
    extensions = rng.choices(list(EXTENSIONS), list(EXTENSIONS.values()), k=count)
    for number in range(count):
        kind, ext = odd.get(number), extensions[number]
        parameters = ""
        if kind in JSON_KINDS or rng.random() < 0.1:
            parameters = document(
                kind if kind in JSON_KINDS else None, rng, {"quality": rng.randrange(100), "unit": "mm"}
            )
        key = table.add(
            uid=uid(rng),
            name=f"{'IMG' if ext in ('jpg', 'JPG') else 'scan'}_{number}{'_full' if number % 50 == 0 else ''}",
            ext=ext,
            size=int(rng.lognormvariate(14, 1.5)),
            type=55 if kind == "unknown_type" else rng.choice(FILE_TYPES[ext]),
            status=8 if kind == "unknown_status" else 1 if rng.random() < 0.98 else rng.choice((0, 2, 3, None)),
            created_at=world.when(),
            description="" if rng.random() < 0.97 else "intra-oral, před léčbou",
            parameters=parameters,
            instruction_id=orders[int(rng.random() * len(orders))]["id"] if rng.random() < 0.5 else None,
            product_id=rng.choice(products) if rng.random() < 0.02 else None,
            record_id=90_000_000 + number
            if kind == "orphan"
            else records[int(rng.random() * len(records))]
            if rng.random() < 0.03
            else None,
        )
        if kind == "orphan":
            world.ledger.defect("orphan", "dispatch_file", "record_id", key)
        if kind in JSON_KINDS:
            world.ledger.defect(kind, "dispatch_file", "parameters", key)
    attachments = world.table("dispatch_record_attachments")
    seen: set[tuple[int, int]] = set()
    while len(seen) < world.n(8_703, 20):
        pair = (rng.choice(records), rng.choice(table.ids))
        if pair not in seen:
            seen.add(pair)
            attachments.add(record_id=pair[0], file_id=pair[1])


# ---------------------------------------------------------------- notifications

TEMPLATES = ("order_submitted", "plan_ready", "order_shipped", "new_message", "payment_due", "patient_added")


class Notifications:
    """Streamed rather than collected: every row combines a ready-made body with a moment and its flags."""

    name = "dispatch_notification"
    columns = (
        "id",
        "created_at",
        "recipient_id",
        "sender",
        "template_name",
        "template_context",
        "item_type_id",
        "item_id",
        "read",
        "send",
        "sent",
    )

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.enter("notifications")
        self.row_count, self.delivered = world.n(5_102_536, 5_000), world.n(2_039_588, 2_000)
        self.last_id = self.row_count
        self.ids = range(1, self.row_count + 1)
        world.ledger.rows[self.name] = self.row_count
        world.ledger.filters["notifications_delivered"] = self.delivered

    def _bodies(self) -> list[str]:
        world, rng, bodies = self.world, self.rng, []
        staff = world.users.staff
        for _ in range(min(60_000, max(2_000, self.row_count // 20))):
            order = rng.choice(world.orders)
            template, patient = rng.choice(TEMPLATES), order["patient"]
            context = {
                "patient": {"id": patient["id"], "name": patient["name"]},
                "order": order["id"],
                "at": rng.choice((world.when(), "04/03/2019 10:00 PM")),
            }
            if template == "order_shipped":
                context |= {
                    "carrier": rng.choice(("UPS", "DHL", "佐川急便")),
                    "tracking": f"1Z{rng.getrandbits(60):015X}",
                }
            elif template == "new_message":
                context["preview"] = prose(rng, 1)
            item = (
                ("dispatch.instruction", order["id"])
                if template != "patient_added"
                else ("dispatch.patient", patient["id"])
            )
            recipient = order["doctor"] if rng.random() < 0.7 else rng.choice(staff)
            bodies.append(
                self._body(
                    recipient, template, json.dumps(context, ensure_ascii=False), world.type_id[item[0]], item[1]
                )
            )
        return bodies

    def _body(self, recipient: int, template: str, context: str, type_id: int | None, item: int | None) -> str:
        values = (recipient, "portal@portal.example", template, context, type_id, item)
        return "\t".join(map(copy_text, values))

    def _planted(self, kind: str, key: int) -> str:
        world, rng = self.world, self.rng
        context = document(kind if kind in JSON_KINDS else None, rng, {"order": 1})
        generic = kind if kind in ("dangling", "stale") else None
        if kind in JSON_KINDS:
            world.ledger.defect(kind, self.name, "template_context", key)
        else:
            note_generic(world, kind, self.name, "item", key)
        item = generic_key(world, rng, "item", {"dispatch.instruction": 1}, generic)
        return self._body(
            rng.choice(world.users.doctors), rng.choice(TEMPLATES), context, item["item_type_id"], item["item_id"]
        )

    def chunks(self) -> Iterator[bytes]:
        rng, count, delivered = self.rng, self.row_count, self.delivered
        odd = self.world.picks(count, bad_json=400, json_nul=40, json_surrogate=20, dangling=600, stale=100)
        bodies = self._bodies()
        first = date(2012, 1, 1)
        days = [(first + timedelta(days=n)).isoformat() for n in range((date(2025, 11, 15) - first).days)]
        clocks = [
            f" {h:02d}:{m:02d}:{rng.randrange(60):02d}.{rng.randrange(1_000_000):06d}{zone}"
            for h in range(24)
            for m in range(60)
            for zone in ("+00", "-05", "-08", "+09", "+05:30", "+07")
        ]
        lost = ("\tf\tt\tf", "\tf\tf\tf", "\tf\tf\tt", "\tt\tf\tf")  # read, send, sent
        sent = ("\tt\tt\tt", "\tf\tt\tt")
        random_, digest, done = rng.random, hashlib.sha256(), 0
        n_days, n_clocks, n_bodies = len(days), len(clocks), len(bodies)
        for start in range(0, count, CHUNK_LINES):
            lines = []
            for number in range(start, min(start + CHUNK_LINES, count)):
                key = number + 1
                body = self._planted(odd[number], key) if number in odd else bodies[int(random_() * n_bodies)]
                due = key * delivered // count  # spreads exactly `delivered` of them evenly
                flags = sent[key & 1] if due > done else lost[key & 3]
                done = due
                lines.append(
                    f"{key}\t{days[number * n_days // count]}{clocks[int(random_() * n_clocks)]}\t{body}{flags}"
                )
            chunk = ("\n".join(lines) + "\n").encode()
            digest.update(chunk)
            yield chunk
        self.world.ledger.sha256[self.name] = digest.hexdigest()
