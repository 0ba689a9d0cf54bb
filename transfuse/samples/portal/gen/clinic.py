"""Catalogue, 3D projects, jaws, orders, plans, comments, states and events."""

from __future__ import annotations

import random
import uuid
from datetime import date, timedelta

from .core import EPOCH_2020, World, cents, weighted
from .nasty import CONTROL_TEXT, JSON_KINDS, document, prose

BAD_TEETH = ("11111", "00000000000000X0", "1111-0000", "")


def build(world: World) -> None:
    rng = world.enter("clinic")
    _catalogue(world, rng)
    _projects(world, rng)
    _orders(world, rng)
    _shop_orders(world, rng)
    _plans(world, rng)
    _comments_and_states(world, rng)
    _brackets(world, rng)
    _machines(world, rng)


def uid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _catalogue(world: World, rng: random.Random) -> None:
    courses = world.table("dispatch_course")
    for number, name in enumerate(
        ("Main", "Refinement", "Any", "Replacement", "Invoice", "Merchandise", "Experimental"), 1
    ):
        courses.add(
            name=name,
            type=9 if name == "Experimental" else number,
            customization="" if number % 2 else '{"color": "#0a7"}',
        )
    categories = world.table("dispatch_category")
    for number in range(24):
        parent = None if number < 4 else rng.choice(categories.ids[: max(1, number // 2)])
        categories.add(name=f"Category {number + 1}", parent_id=parent)
    first = categories.last_id + 1  # two categories that contain each other
    for key, parent in ((first, first + 1), (first + 1, first)):
        categories.add(id=key, name=f"Loop {key}", parent_id=parent)
        world.ledger.defect("tree_cycle", "dispatch_category", "parent_id", key)
    products = world.table("dispatch_product")
    for number in range(90):
        deleted = number % 9 == 0
        products.add(
            name=f"Product {number + 1}" if number % 30 else None,
            description=rng.choice(("", "Set of brackets", "Retainer “night”")),
            free=number % 11 == 0,
            deleted=deleted,
            substitute=number % 13 == 0,
            type=6 if number == 50 else number % 4 + 1,
            customization="{'color': 'red'}" if number == 40 else rng.choice(("", '{"color": "clear"}')),
            course_id=rng.choice(courses.ids[:6]),
        )
        world.ledger.count("products_deleted", deleted)
        if number == 40:
            world.ledger.defect("bad_json", "dispatch_product", "customization", products.last_id)
    for name, left, right, columns, count in (
        ("dispatch_product_roles", "dispatch_product", "dispatch_role", ("product_id", "role_id"), 150),
        (
            "dispatch_product_successors",
            "dispatch_product",
            "dispatch_product",
            ("from_product_id", "to_product_id"),
            60,
        ),
    ):
        table = world.table(name)
        seen: set[tuple[int, int]] = set()
        while len(seen) < count:
            pair = (rng.choice(world.ids(left)), rng.choice(world.ids(right)))
            if pair not in seen and pair[0] != pair[1]:
                seen.add(pair)
                table.add(**dict(zip(columns, pair, strict=True)))


def _shop_orders(world: World, rng: random.Random) -> None:
    table, count = world.table("dispatch_order"), world.n(1_500, 12)
    odd = world.picks(count, unknown_status=4)
    for number in range(count):
        table.add(
            status=6 if number in odd else rng.choice((1, 2, 3)),
            custom_price=cents(rng.random() * 900) if rng.random() < 0.2 else None,
            doctor_id=rng.choice(world.users.doctors),
            course_id=rng.choice(world.ids("dispatch_course")[4:6]),
            instruction_id=rng.choice(world.orders)["id"] if rng.random() < 0.6 else None,
        )


def _projects(world: World, rng: random.Random) -> None:
    table, count = world.table("dispatch_project"), world.n(67_000, 400)
    odd = world.picks(count, unknown_type=20, unknown_status=8, huge_size=5, no_creator=300)
    mix = {3: 52, 0: 14, 1: 14, 2: 8, 4: 4, 5: 2, 6: 3, 7: 1, 8: 1, 9: 1}
    kinds = rng.choices(list(mix), list(mix.values()), k=count)
    makers = world.users.technicians
    world.planned = []  # projects that hold treatment plans
    for number in range(count):
        kind = odd.get(number)
        size = (
            9_007_199_254_740_993 if kind == "huge_size" else int(rng.lognormvariate(15, 1.5))
        )  # beyond a float's exact integers
        key = table.add(
            uid=uid(rng),
            name=f"{rng.choice(('scan', 'setup', 'plan', 'Überprüfung'))}-{number}",
            size=size,
            type=77 if kind == "unknown_type" else kinds[number],
            status=42 if kind == "unknown_status" else 0 if rng.random() < 0.999 else rng.choice((1, 2, 3)),
            public=rng.random() < 0.05,
            created_at=world.when(),
            creator_id=None if kind == "no_creator" else rng.choice(makers),
        )
        if kind == "no_creator":
            world.ledger.defect("missing_parent", "dispatch_project", "creator_id", key)
        if kind is None and kinds[number] == 3:
            world.planned.append(key)


def _orders(world: World, rng: random.Random) -> None:
    table, jaws, ledger = world.table("dispatch_instruction"), world.table("dispatch_jaw"), world.ledger
    count, n_jaws = world.n(25_012, 250), world.n(43_458, 440)
    odd = world.picks(
        count - 1,
        bad_json=40,
        json_nul=6,
        json_surrogate=3,
        unknown_status=15,
        unknown_model=6,
        unknown_scanner=6,
        duplicate_number=20,
        shared_jaw=8,
    )
    n_loose = world.n(343, 3)
    slots = rng.sample([*range(count)] * 2, n_jaws - n_loose)  # which orders get one jaw, which two
    per_order = [0] * count
    for slot in slots:
        per_order[slot] += 1
    bad_teeth, unknown_reason = world.picks(n_jaws, bad=12), world.picks(n_jaws, unknown=8)
    products, made = world.ids("dispatch_product"), 0

    def jaw() -> int:
        nonlocal made
        bad = made in bad_teeth
        key = jaws.add(
            product_id=rng.choice(products) if rng.random() < 0.97 else None,
            labial=rng.random() < 0.4,
            bond_teeth=rng.choice(BAD_TEETH) if bad else f"{rng.getrandbits(16):016b}",
            extract_teeth=f"{1 << rng.randrange(16):016b}" if rng.random() < 0.1 else "0" * 16,
            reason=8 if made in unknown_reason else rng.choice((None, None, None, 1, 2, 3)),
        )
        made += 1
        if bad:
            ledger.defect("bad_tooth_string", "dispatch_jaw", "bond_teeth", key)
        return key

    running: dict[int, int] = {}
    last_of: dict[int, int] = {}
    world.orders, shared_due, owed = [], 0, 0
    previous_upper: int | None = None
    courses = world.ids("dispatch_course")
    for number in range(count):
        kind = odd.get(number - 1)
        patient = rng.choice(world.patients) if number >= len(world.patients) * 0.9 else world.patients[number]
        order = running[patient["id"]] = running.get(patient["id"], 0) + 1
        if kind == "duplicate_number":
            patient = world.orders[rng.randrange(number)]["patient"]
            order = last_of[patient["id"]]
        shared_due += kind == "shared_jaw"
        share = previous_upper if shared_due else None
        wanted = per_order[number]
        if share and wanted == 2:
            wanted, owed = 1, owed + 1
        elif not share and owed and wanted < 2:
            wanted, owed = wanted + 1, owed - 1
        upper = jaw() if wanted else None
        lower = jaw() if wanted == 2 else None
        if lower is None and upper is not None and rng.random() < 0.5:
            upper, lower = None, upper
        if share:  # upper in one order, lower in another: the side cannot be told
            upper, lower = upper or lower, share
            ledger.defect("jaw_of_both_sides", "dispatch_jaw", "id", share)
            previous_upper, shared_due = None, shared_due - 1
        elif upper is not None:
            previous_upper = upper
        deleted = rng.random() < 0.03
        exports: str | None = document(
            kind if kind in JSON_KINDS else None,
            rng,
            {
                "format": "stl",
                "files": [f"{uid(rng)[:8]}.stl"],
                "exported_at": rng.choice((world.when(), "03/04/2019 10:00", "2019-04-03T10:00:00", "2019年4月3日")),
            },
        )
        if kind not in JSON_KINDS and rng.random() < 0.4:
            exports = rng.choice(("", None))
        status = {"unknown_status": rng.choice((3, 77))}.get(kind or "", weighted(rng, {4: 80, 1: 14, 2: 3, 0: 3}))
        key = table.add(
            patient_id=patient["id"],
            course_id=rng.choice(courses) if rng.random() < 0.4 else courses[0],
            order=order,
            model=9 if kind == "unknown_model" else rng.choice((1, 2, 2, 3, None)),
            scanner=44 if kind == "unknown_scanner" else rng.choice((0, 1, 2, 3, None)),
            upper_jaw_id=upper,
            lower_jaw_id=lower,
            notes=prose(rng) if rng.random() < 0.6 else rng.choice(("", None)),
            scanner_notes=rng.choice(("", "", "rescan lower", None)),
            exports=exports,
            conditions=rng.choice(("", "Bruxism", "None known")),
            complaint=rng.choice(("", "Crowding", "Open bite\nand diastema", "I don't like my smile 😬")),
            objective=rng.choice(("", "Align", "Class I")),
            price=cents(rng.randint(0, 600_000) / 100) if rng.random() < 0.9 else None,
            status=status,
            cbct=rng.random() < 0.2,
            accept_extraction=rng.choice((True, False, None)),
            comprehensive=rng.choice((True, False, None)),
            deleted=deleted if rng.random() < 0.95 or deleted else None,
            suffix=patient["suffix"],
            submitted_at=world.when() if status != 0 else None,
            updated_at=world.when(EPOCH_2020),
        )
        last_of[patient["id"]] = order
        world.orders.append(
            {
                "id": key,
                "patient": patient,
                "deleted": deleted,
                "doctor": patient["doctor"],
                "office": patient["office"],
            }
        )
        ledger.count("orders_not_deleted", not deleted)
        if kind in JSON_KINDS:
            ledger.defect(kind, "dispatch_instruction", "exports", key)
        if kind == "duplicate_number":
            ledger.defect("duplicate_order_number", "dispatch_instruction", "order", key)
    for _ in range(n_loose):
        ledger.defect("jaw_without_order", "dispatch_jaw", "id", jaw())


def _plans(world: World, rng: random.Random) -> None:
    table, count = world.table("dispatch_plan"), world.n(33_900, 200)
    projects = world.planned[:]
    rng.shuffle(projects)
    count = min(count, len(projects))
    odd = world.picks(count - 1, shared_project=60, long_name=12)
    world.plans = []
    per_order: dict[int, int] = {}
    for number in range(count):
        kind = odd.get(number - 1)
        order = world.orders[number] if number < len(world.orders) * 0.8 else rng.choice(world.orders)
        project = projects[number]
        if kind == "shared_project":  # the join project -> plan is not unique
            project = projects[number - 1]
            projects[number] = projects[number - 1]
        step = per_order[order["id"]] = per_order.get(order["id"], 0) + 1
        name = f"Plan {step}" if kind != "long_name" else f"Plan {step} " + "with a very long explanation " * 6
        key = table.add(
            instruction_id=order["id"],
            project_id=project,
            number=step,
            name=name.strip() if rng.random() < 0.9 or kind else "",
            notes=prose(rng) if rng.random() < 0.3 else "",
            original=step == 1,
        )
        world.plans.append({"id": key, "order": order})
        if kind == "shared_project":
            world.ledger.defect("plan_shares_project", "dispatch_plan", "project_id", key)
        if kind == "long_name":
            world.ledger.defect("text_too_long", "dispatch_plan", "name", key)


def _comments_and_states(world: World, rng: random.Random) -> None:
    users, ledger = world.users, world.ledger
    comments, count = world.table("dispatch_comment"), world.n(16_165, 120)
    odd = world.picks(count, orphan=80, control=10)
    for number in range(count):
        kind = odd.get(number)
        text = prose(rng) if rng.random() < 0.97 else rng.choice(("", "   ", None))
        key = comments.add(
            text=f"{prose(rng, 1)} {rng.choice(CONTROL_TEXT)}" if kind == "control" else text,
            created_at=world.when(),
            author_id=rng.choice(users.doctors if rng.random() < 0.5 else users.technicians),
            plan_id=90_000_000 + number if kind == "orphan" else rng.choice(world.plans)["id"],
        )
        if kind == "orphan":
            ledger.defect("orphan", "dispatch_comment", "plan_id", key)
        if kind == "control":
            ledger.defect("control_characters", "dispatch_comment", "text", key)
        ledger.count("comments_blank", kind != "control" and not (text or "").strip())
    notes = world.table("dispatch_note")
    for _ in range(world.n(963, 10)):
        notes.add(
            text=prose(rng),
            created_at=world.when(),
            author_id=rng.choice(users.staff),
            doctor_id=rng.choice(users.doctors),
        )
    states, count = world.table("dispatch_state"), world.n(5_547, 60)
    unknown = world.picks(count, unknown=8)
    for number in range(count):
        states.add(
            status=13 if number in unknown else rng.choice((11, 12)),
            on=rng.random() < 0.8,
            changed_at=world.when(),
            actor_id=rng.choice(users.staff) if rng.random() < 0.9 else None,
            instruction_id=rng.choice(world.orders)["id"],
        )
    events = world.table("dispatch_event")
    for _ in range(world.n(2_000, 20)):
        events.add(
            patient_id=rng.choice(world.patients)["id"],
            title=rng.choice(("Bonding", "Check-up", "Debond 🎉", "Scan")),
            date=date(2015, 1, 1) + timedelta(days=rng.randrange(4_300)),
            done=rng.random() < 0.7,
        )


def _brackets(world: World, rng: random.Random) -> None:
    """Name = material-slot-Ttorque-Aangulation-tooth-arch-prescription[-height x width x thickness]."""
    table, count = world.table("dispatch_bracket"), world.n(1_569, 40)
    odd = world.picks(count, unparsable=25, slot_overflow=4, unknown_type=5)
    for number in range(count):
        kind = odd.get(number)
        arch = rng.choice("UL")
        slot = "22000" if kind == "slot_overflow" else rng.choice(("018", "022"))
        size = (
            f"-{rng.uniform(2, 4):.2f}x{rng.uniform(2, 4):.2f}x{rng.uniform(0.5, 2):.2f}" if rng.random() < 0.5 else ""
        )
        material, prescription = rng.choice(("SS", "CE", "TI", "GO")), rng.choice(("MBT", "ROTH", "DAMON"))
        tooth = f"{arch}{rng.choice('RL')}{rng.randint(1, 8)}"
        name = f"{material}-{slot}-T{rng.randint(-25, 25):+d}-A{rng.randint(0, 15)}-{tooth}-{arch}-{prescription}{size}"
        if kind == "unparsable":
            name = rng.choice(("old bracket (do not use)", "SS-022", "ブラケット 上", "", "SS_022_T-7"))
        key = table.add(
            name=name,
            type=11 if kind == "unknown_type" else rng.randint(1, 4),
            project_id=rng.choice(world.ids("dispatch_project")) if rng.random() < 0.8 else None,
        )
        if kind == "unparsable":
            world.ledger.defect("unparsable_name", "dispatch_bracket", "name", key)
        if kind == "slot_overflow":
            world.ledger.defect("number_too_big", "dispatch_bracket", "name", key)


def _machines(world: World, rng: random.Random) -> None:
    world.table("dispatch_storage").add(
        name="main", address="10.0.0.5", port=9000, disk_total=64_000_000_000_000, disk_free=12_000_000_000_000
    )
    agents = world.table("dispatch_agent")
    for name in ("node-a", "node-b"):
        agents.add(name=name, address="10.0.0.7", port=7000, cpu=32, memory=128, memory_used=rng.randrange(128))
    instances = world.table("dispatch_instance")
    for number in range(29):
        instances.add(
            port=7100 + number,
            queue=number % 4,
            run_at=world.when(EPOCH_2020),
            agent_id=rng.choice(agents.ids),
            opener_id=rng.choice(world.users.technicians),
            project_id=rng.choice(world.ids("dispatch_project")),
        )
    world.table("dispatch_globalsetting").add(
        version=14,
        support_email="support@portal.example",
        reset_discount_date=date(2026, 1, 1),
        features='{"3d": true, "beta": ["a", "b"]}',
        use_weights=True,
        crown_weight=1,
        inner_root_weight=1,
        outer_root_weight=4,
        tiers='[{"name": "gold", "from": 50}]',
    )
