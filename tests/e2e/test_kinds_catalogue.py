"""Kinds of transformation, numbered as in the portal's README: the catalogue, and who may do what."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.plan.position import PlanRefused
from shared.plan.reader import plan_files, plan_of_files
from tests.harness.both_sides import BothSides, both_sides
from tests.harness.portal import PLAN
from tests.harness.servers import Servers

SCALE = 0.05
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
async def sides(servers: Servers) -> AsyncIterator[BothSides]:
    """Both databases."""
    async with both_sides(servers, SCALE) as found:
        yield found


async def test_kind_23_a_row_of_a_tree_refers_to_the_row_above_it(sides: BothSides) -> None:
    walk = (
        "with recursive tree (id, depth) as (select id, 0 from dispatch_category where parent_id is null union all"
        " select d.id, depth + 1 from dispatch_category d join tree on d.parent_id = tree.id)"
    )
    await sides.alike(
        f"{walk} select id, depth from tree order by 1",  # noqa: S608
        "with recursive tree (id, number, depth) as (select id, legacy_category_id, 0 from categories"
        " where parent_id is null union all select d.id, d.legacy_category_id, depth + 1 from categories d"
        " join tree on d.parent_id = tree.id) select number, depth from tree order by 1",
    )
    await sides.alike(
        f"{walk} select c.id, c.parent_id from dispatch_category c join tree using (id) order by 1",  # noqa: S608
        "select c.legacy_category_id, p.legacy_category_id from categories c"
        " left join categories p on p.id = c.parent_id order by 1",
    )
    assert sides.warned("categories", "parent_id") == 0


async def test_kind_23_a_graph_is_kept_edge_by_edge(sides: BothSides) -> None:
    await sides.alike(
        "select from_template_id, to_template_id from dispatch_template_predecessors order by 1, 2",
        "select t.legacy_template_id, p.legacy_template_id from template_predecessors e"
        " join templates t on t.id = e.template_id join templates p on p.id = e.predecessor_id order by 1, 2",
    )


async def test_kind_23_a_loop_of_categories_waits_and_their_templates_keep_its_number(sides: BothSides) -> None:
    loop = "select c.id from dispatch_category c join dispatch_category e on e.id = c.parent_id and e.parent_id = c.id"
    await sides.alike(
        f"select id, name from dispatch_category where id not in ({loop}) order by 1",  # noqa: S608
        "select legacy_category_id, name from categories order by 1",
    )
    waiting = await sides.legacy.fetchval(f"select count(*) from ({loop}) as one")  # noqa: S608
    assert waiting == sides.quarantined("categories", "below a root") > 0
    await sides.alike(
        f"select id, category_id from dispatch_template where category_id in ({loop}) order by 1",  # noqa: S608
        "select legacy_template_id, (metadata ->> 'category_id')::int from templates"
        " where category_id is null order by 1",
    )


async def test_kind_28_a_permission_names_what_it_is_about(sides: BothSides) -> None:
    await sides.alike(
        "select g.id, g.role_id, p.codename, t.app_label || '.' || t.model from dispatch_role_permissions g"
        " join auth_permission p on p.id = g.permission_id join django_content_type t on t.id = p.content_type_id"
        " order by 1",
        "select g.legacy_junction_id, r.legacy_role_id, g.permission, g.resource from role_permissions g"
        " join roles r on r.id = g.role_id order by 1",
    )


def test_kind_34_merging_people_is_refused_as_no_part_of_this_version() -> None:
    files = plan_files(PLAN)
    files["plan.yml"] += "people:\n  mapping: patients\n"
    with pytest.raises(PlanRefused) as refused:
        plan_of_files(files)
    assert [problem.message for problem in refused.value.problems] == ["patient matching is not part of this version"]
