"""Workflow templates and tasks."""

from __future__ import annotations

from .core import World

NAMES = (
    "Upload scan",
    "Check scan",
    "Segment teeth",
    "Design setup",
    "Review setup",
    "Approve plan",
    "Print model",
    "Bend wire",
    "Pack box",
    "Ship order",
    "Send tracking",
    "Send invoice",
)


def build(world: World) -> None:
    rng = world.enter("workflow")
    table, count = world.table("dispatch_template"), 169
    courses, categories = world.ids("dispatch_course"), world.ids("dispatch_category")
    for number in range(count):
        name = f"{NAMES[number % len(NAMES)]} {number // len(NAMES) + 1}"
        table.add(
            task_name=name if number % 40 else "",
            action_name=name.split()[0].lower(),
            text_name=f"{name} text",
            function=9 if number == 100 else number % 5 + 1,
            status=5 if number == 120 else rng.choice((None, 0, 1, 2, 4)),
            duration=rng.choice((0, 15, 60, 1440)),
            predefined=number % 3 == 0,
            read_only=number % 7 == 0,
            separate=number % 5 == 0,
            extensions=rng.choice(("", "stl,ply", "jpg, png,heic")),
            alerts=rng.choice(("", '{"late": 3}')),
            category_id=rng.choice(categories),
            course_id=rng.choice(courses) if rng.random() < 0.8 else None,
        )
    edges = world.table("dispatch_template_predecessors")
    ids = table.ids
    seen: set[tuple[int, int]] = set()
    while len(seen) < 189:  # later steps point back at earlier ones: acyclic ...
        low, high = sorted(rng.sample(range(count), 2))
        if (low, high) not in seen and (low, high) != (0, 1):
            seen.add((low, high))
            edges.add(from_template_id=ids[high], to_template_id=ids[low])
    for one, two in ((ids[0], ids[1]), (ids[1], ids[0])):  # ... but for one loop
        world.ledger.defect(
            "tree_cycle", "dispatch_template_predecessors", "id", edges.add(from_template_id=one, to_template_id=two)
        )
    for name, column, pool, total in (
        ("products", "product_id", world.ids("dispatch_product"), 183),
        ("edit_roles", "role_id", world.ids("dispatch_role"), 659),
        ("view_roles", "role_id", world.ids("dispatch_role"), 1_036),
        ("view_groups", "group_id", world.ids("auth_group"), 199),
    ):
        junction = world.table(f"dispatch_template_{name}")
        pairs: set[tuple[int, int]] = set()
        while len(pairs) < total:
            pair = (rng.choice(ids), rng.choice(pool))
            if pair not in pairs:
                pairs.add(pair)
                junction.add(**{"template_id": pair[0], column: pair[1]})
    _tasks(world)


def _tasks(world: World) -> None:
    rng, ledger = world.rng, world.ledger
    table, count = world.table("dispatch_task"), world.n(768_962, 2_000)
    odd = world.picks(
        count, orphan=300, orphan_file=100, bad_date=(30, 6), checked_undated=200, dated_unchecked=150, unknown_jaw=20
    )
    templates, files, plans, orders = (
        world.ids("dispatch_template"),
        world.ids("dispatch_file"),
        world.plans,
        world.orders,
    )
    shop, staff = world.ids("dispatch_order"), world.users.staff
    texts = ("", "", "", "", "", "redo", "see note", "Please\nrush", "ok 👍")
    n_templates, n_orders, n_plans = len(templates), len(orders), len(plans)
    random_ = rng.random
    for number in range(count):
        kind = odd.get(number)
        checked = done = False
        if kind is None or kind in ("orphan", "orphan_file", "unknown_jaw"):
            checked = done = random_() < 0.9
        elif kind == "checked_undated":
            checked = True
        elif kind == "dated_unchecked":
            done = True
        else:
            checked = True
        instruction = orders[int(random_() * n_orders)]["id"] if random_() < 0.98 else None
        file = files[int(random_() * len(files))] if random_() < 0.05 else None
        if kind == "orphan":
            instruction = 90_000_000 + number
        elif kind == "orphan_file":
            file = 90_000_000 + number
        key = table.add(
            checked=checked,
            done_at=("infinity", "-infinity", "1900-01-01 00:00+00")[number % 3]
            if kind == "bad_date"
            else world.when()
            if done
            else None,
            text=texts[int(random_() * 9)],
            jaw=5 if kind == "unknown_jaw" else int(random_() * 3),
            instruction_id=instruction,
            order_id=None if instruction else shop[int(random_() * len(shop))],
            plan_id=plans[int(random_() * n_plans)]["id"] if random_() < 0.4 else None,
            template_id=templates[int(random_() * n_templates)],
            actor_id=staff[int(random_() * len(staff))] if random_() < 0.8 else None,
            file_id=file,
        )
        ledger.count("tasks_completed", checked and (done or kind == "bad_date"))
        ledger.count("tasks_without_order", instruction is None)
        if kind in ("orphan", "orphan_file"):
            ledger.defect("orphan", "dispatch_task", "instruction_id" if kind == "orphan" else "file_id", key)
        elif kind == "bad_date":
            ledger.defect("date_out_of_range", "dispatch_task", "done_at", key)
        elif kind in ("checked_undated", "dated_unchecked"):
            ledger.defect("contradictory_state", "dispatch_task", "checked", key)
