"""Content types, groups and permissions."""

from __future__ import annotations

import random

from .codebooks import GROUPS
from .core import World

MODELS = {  # model -> table; these can be the target of a generic foreign key
    "auth.user": "auth_user",
    "auth.group": "auth_group",
    "dispatch.patient": "dispatch_patient",
    "dispatch.office": "dispatch_office",
    "dispatch.instruction": "dispatch_instruction",
    "dispatch.plan": "dispatch_plan",
    "dispatch.project": "dispatch_project",
    "dispatch.record": "dispatch_record",
    "dispatch.task": "dispatch_task",
    "dispatch.order": "dispatch_order",
    "dispatch.payment": "dispatch_payment",
    "dispatch.file": "dispatch_file",
    "dispatch.product": "dispatch_product",
}
OTHER_MODELS = (
    "auth.permission contenttypes.contenttype sessions.session admin.logentry account.emailaddress account.emailconfirmation "
    "otp_email.emaildevice sites.site dispatch.agent dispatch.bracket dispatch.category dispatch.client dispatch.client3d dispatch.comment "
    "dispatch.course dispatch.discount dispatch.doctorsetting dispatch.event dispatch.globalsetting dispatch.instance dispatch.jaw "
    "dispatch.language dispatch.link dispatch.master dispatch.note dispatch.notification dispatch.offer dispatch.operation "
    "dispatch.purchase dispatch.reading dispatch.role dispatch.state dispatch.storage dispatch.template dispatch.usersetting dispatch.ware"
).split()
STALE_MODELS = ("dispatch.casefile", "dispatch.oldmessage")  # their tables are gone, rows still point at them


def build(world: World) -> None:
    rng = world.enter("framework")
    types = world.table("django_content_type")
    models = [*MODELS, *OTHER_MODELS, *STALE_MODELS]
    rng.shuffle(models)  # ids must differ from installation to installation
    types.last_id = rng.randrange(40)
    world.type_id = {}
    for model in models:
        app, name = model.split(".")
        world.type_id[model] = types.add(app_label=app, model=name)

    groups = world.table("auth_group")
    for key, (name, _) in GROUPS.items():
        groups.add(id=key, name=name)
    permissions = world.table("auth_permission")
    for model, type_id in world.type_id.items():
        for verb in ("add", "change", "delete", "view"):
            permissions.add(
                name=f"Can {verb} {model.split('.')[1]}",
                content_type_id=type_id,
                codename=f"{verb}_{model.split('.')[1]}",
            )
    grants = world.table("auth_group_permissions")
    for group, permission in pairs_of(rng, list(GROUPS), permissions.ids, 120):
        grants.add(group_id=group, permission_id=permission)
    migrations = world.table("django_migrations")
    for number in range(1, 41):
        migrations.add(app="dispatch", name=f"{number:04d}_auto", applied=world.when())


def pairs_of(rng: random.Random, left: list[int], right: list[int], count: int) -> list[tuple[int, int]]:
    """Distinct pairs, in a stable order."""
    chosen: dict[tuple[int, int], None] = {}
    while len(chosen) < min(count, len(left) * len(right)):
        chosen[rng.choice(left), rng.choice(right)] = None
    return list(chosen)
