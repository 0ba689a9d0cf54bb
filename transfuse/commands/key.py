"""`transfuse key`: the UUID of one legacy row."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import click

from shared.core.errors import Refused
from shared.core.keys import MOST_ORDERED, canonical_text, key_name, key_uuid, ordered_key_uuid
from shared.plan.keys import KeySignature
from transfuse.commands.plan_files import checked
from transfuse.compiling import signatures_here
from transfuse.operator import home_option, run_async
from transfuse.workspace import Workspace


@click.command("key")
@click.argument("mapping")
@click.argument("parts", nargs=-1, required=True, metavar="KEY...")
@home_option
@click.option(
    "--plan", "plan_path", type=click.Path(exists=True, path_type=Path), default=Path("plans/portal"), show_default=True
)
def key_command(mapping: str, parts: tuple[str, ...], home: Path, plan_path: Path) -> None:
    """Print the target's UUID of the legacy row KEY of MAPPING: computed, never looked up.

    \b
    Example:
      transfuse key patients 10771
    """
    plan = checked(plan_path)
    signature = run_async(signatures_here(Workspace(home), plan)).get(mapping)
    if signature is None:
        raise Refused(
            f"The plan has no mapping {mapping}.", remedy=f"It has {', '.join(m.name for m in plan.mappings)}."
        )
    namespace = plan.namespace or os.environ.get(f"PLAN_SECRET_{plan.namespace_secret}", "")
    if not namespace:
        raise Refused(
            f"PLAN_SECRET_{plan.namespace_secret} is not set.", remedy="Set it to the namespace of the plan's keys."
        )
    click.echo(uuid_of(UUID(namespace), signature, parts))


def uuid_of(namespace: UUID, signature: KeySignature, parts: tuple[str, ...]) -> UUID:
    """The UUID of a legacy key. Raises Refused for a key that cannot be, or that a run would refuse."""
    written = canonical_parts(signature, parts)
    name = key_name(signature.key_domain, written)
    if not signature.ordered:
        return key_uuid(namespace, name)
    if not 0 <= int(written[0]) <= MOST_ORDERED:
        raise Refused(
            f"A key of {signature.mapping} is from 0 to {MOST_ORDERED}: the plan has `keys: uuid8`.",
            remedy="A row with another key is refused (key_out_of_range); `keys: uuid5` takes any.",
        )
    return ordered_key_uuid(namespace, name, int(written[0]))


def canonical_parts(signature: KeySignature, parts: tuple[str, ...]) -> list[str]:
    """The parts as they are hashed. Raises Refused for the wrong number or a text that does not read as its type."""
    if signature.content_key or len(parts) != len(signature.parts):
        wanted = "none, its rows have no key" if signature.content_key else str(len(signature.parts))
        raise Refused(f"The key of {signature.mapping} has another number of parts: {wanted}.")
    try:
        return [canonical_text(part.form, text) for part, text in zip(signature.parts, parts, strict=True)]
    except ValueError as error:
        raise Refused("A part of the key does not read as its type.") from error
