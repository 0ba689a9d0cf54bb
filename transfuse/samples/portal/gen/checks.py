"""One query per fact in the manifest, so that each figure can be proved against the loaded database."""

from __future__ import annotations

from .codebooks import CODE_BOOKS, GROUP_PRIORITY, GROUPS, NULL_WORDS
from .framework import MODELS

# Classifies JSON text: ok, bad (no JSON at all), unstorable (JSON that jsonb refuses). Create it before running the queries.
JSON_STATE = """
CREATE OR REPLACE FUNCTION pg_temp.json_state(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  BEGIN PERFORM value::json; EXCEPTION WHEN others THEN RETURN 'bad'; END;
  BEGIN PERFORM value::jsonb; EXCEPTION WHEN others THEN RETURN 'unstorable'; END;
  RETURN 'ok';
END $$"""

PARENTS = {
    "plan_id": "dispatch_plan",
    "record_id": "dispatch_record",
    "instruction_id": "dispatch_instruction",
    "file_id": "dispatch_file",
    "purchase_id": "dispatch_purchase",
}
WIDTHS = {"suffix": 10, "name": 100, "action": 50}  # of the target columns
NULLISH = ", ".join(f"'{word}'" for word in NULL_WORDS)
EMAIL = r"^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$"
BRACKET = r"^(SS|CE|TI|GO)-[0-9]+-T[+-]?[0-9]+-A[0-9]+-[UL][RL][1-8]-[UL]-(MBT|ROTH|DAMON)(-[0-9.]+x[0-9.]+x[0-9.]+)?$"
CONTROLS = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\u202e\ufeff]"
EARLIER = "EXISTS (SELECT 1 FROM {table} e WHERE {same} AND e.id < t.id)"

# What a user is: the first group that says so, then the flags, then the rows that exist about the user.
PROFILE_RULE = (
    "CASE "
    + " ".join(
        f"WHEN EXISTS (SELECT 1 FROM auth_user_groups g WHERE g.user_id = t.id AND g.group_id = {group}) THEN '{GROUPS[group][1]}'"
        for group in GROUP_PRIORITY
    )
    + (
        " WHEN t.is_superuser THEN 'admin' WHEN t.is_staff THEN 'support_agent'"
        " WHEN EXISTS (SELECT 1 FROM dispatch_patient p WHERE p.user_id = t.id) THEN 'patient'"
        " WHEN EXISTS (SELECT 1 FROM dispatch_doctorsetting s WHERE s.user_id = t.id) THEN 'doctor' ELSE 'undecided' END"
    )
)
IS_DOCTOR = (
    "(EXISTS (SELECT 1 FROM auth_user_groups g WHERE g.user_id = {0} AND g.group_id = 2)"
    " OR EXISTS (SELECT 1 FROM dispatch_doctorsetting s WHERE s.user_id = {0}))"
)
BLANK = "coalesce(btrim(t.text, E' \\n\\t\\r'), '') = ''"

FILTERS = {  # name -> table, condition
    "offices_valid": ("dispatch_office", "t.valid"),
    "offices_opted_out_of_email": ("dispatch_office", "NOT t.emails"),
    "products_deleted": ("dispatch_product", "t.deleted"),
    "patients_not_archived": ("dispatch_patient", "NOT t.archived"),
    "patients_archived_or_suspended": ("dispatch_patient", "t.archived OR t.suspended"),
    "orders_not_deleted": ("dispatch_instruction", "t.deleted IS NOT TRUE"),
    "comments_blank": ("dispatch_comment", BLANK),
    "records_blank": ("dispatch_record", BLANK),
    "records_of_a_team": ("dispatch_record", "t.group_id IS NOT NULL"),
    "notifications_delivered": ("dispatch_notification", "t.send AND t.sent"),
    "tasks_completed": ("dispatch_task", "t.checked AND t.done_at IS NOT NULL"),
    "tasks_without_order": ("dispatch_task", "t.instruction_id IS NULL"),
    "payments_canceled": ("dispatch_payment", "t.canceled"),
    "payments_paid_not_canceled": ("dispatch_payment", "t.paid AND NOT t.canceled"),
    "payments_free": ("dispatch_payment", "t.free"),
    "doctors": ("auth_user", IS_DOCTOR.format("t.id")),
    "technicians": (
        "auth_user",
        "EXISTS (SELECT 1 FROM auth_user_groups g WHERE g.user_id = t.id AND g.group_id = 11)",
    ),
} | {
    f"profiles_{kind}": ("auth_user", f"{PROFILE_RULE} = '{kind}'")
    for kind in ("patient", "doctor", "technician", "master", "sales_person", "support_agent", "admin", "undecided")
}

# Rows of the target under the rules of README.md, counted on the legacy side. Only what cannot be loaded is left out.
LOADED = f"""WITH
o AS (SELECT t.id, t.patient_id FROM dispatch_instruction t JOIN dispatch_patient p ON p.id = t.patient_id
      WHERE t.status IN (0, 1, 2, 4) AND p.doctor_id IS NOT NULL AND {IS_DOCTOR.format("p.doctor_id")}),
pr AS (SELECT id FROM auth_user t WHERE {PROFILE_RULE} <> 'undecided'),
pj AS (SELECT id FROM dispatch_project WHERE type BETWEEN 0 AND 9 AND status BETWEEN 0 AND 3 AND creator_id IS NOT NULL),
pl AS (SELECT id, instruction_id FROM dispatch_plan WHERE project_id IN (SELECT id FROM pj) AND instruction_id IN (SELECT id FROM o)),
ct AS (SELECT id, app_label || '.' || model AS model FROM django_content_type),
r AS (SELECT t.*, ct.model, t.type = 6 AND t.text ~* '(unhappy|refund|damaged)' AS complaint
      FROM dispatch_record t JOIN ct ON ct.id = t.target_type_id WHERE NOT ({BLANK})),
m AS (SELECT id FROM r WHERE group_id IS NULL AND complaint IS NOT TRUE AND (
      (model = 'dispatch.patient' AND target_id IN (SELECT id FROM dispatch_patient))
      OR (model = 'dispatch.instruction' AND target_id IN (SELECT id FROM o))
      OR (model = 'auth.user' AND target_id IN (SELECT id FROM pr)))),
pay AS (SELECT t.id FROM dispatch_payment t LEFT JOIN dispatch_order s ON s.id = t.order_id
        WHERE coalesce(t.instruction_id, s.instruction_id) IN (SELECT id FROM o) AND abs(t.total_price) < 100000000)
"""
COMMENTS = f"FROM dispatch_comment t WHERE NOT ({BLANK}) AND t.plan_id IN (SELECT id FROM pl)"
STATES = "FROM dispatch_state t WHERE t.status IN (11, 12) AND t.instruction_id IN (SELECT id FROM o)"
TARGETS = {
    "offices": "FROM dispatch_office",
    "profiles": "FROM pr",
    "doctors": f"FROM auth_user t WHERE {IS_DOCTOR.format('t.id')}",
    "patients": "FROM dispatch_patient",
    "technicians": "FROM auth_user_groups WHERE group_id = 11",
    "doctor_offices": f"FROM dispatch_office_doctors t WHERE {IS_DOCTOR.format('t.user_id')}",
    "patients_doctors_offices": f"FROM dispatch_patient t WHERE t.office_id IS NOT NULL AND {IS_DOCTOR.format('t.doctor_id')}",
    "roles": "FROM dispatch_role",
    "role_permissions": "FROM dispatch_role_permissions",
    "teams": "FROM auth_group",
    "technician_roles": "FROM dispatch_role t WHERE t.group_id = 11 AND t.type BETWEEN 1 AND 6 AND t.user_id IS NOT NULL",
    "courses": "FROM dispatch_course",
    "products": "FROM dispatch_product",
    "templates": "FROM dispatch_template",
    "categories": "FROM dispatch_category t WHERE NOT EXISTS (SELECT 1 FROM dispatch_category e WHERE e.id = t.parent_id AND e.parent_id = t.id)",
    "template_predecessors": "FROM dispatch_template_predecessors",
    "template_products": "FROM dispatch_template_products",
    "template_edit_roles": "FROM dispatch_template_edit_roles",
    "template_view_roles": "FROM dispatch_template_view_roles",
    "template_view_groups": "FROM dispatch_template_view_groups",
    "orders": "FROM o",
    "cases": "FROM dispatch_patient",
    "order_cases": "FROM o",
    "projects": "FROM pj",
    "treatment_plans": "FROM pl",
    "jaws": (
        "FROM (SELECT j.id FROM (SELECT upper_jaw_id AS id, 'u' AS side, id AS of FROM dispatch_instruction UNION ALL"
        " SELECT lower_jaw_id, 'l', id FROM dispatch_instruction) j WHERE j.id IS NOT NULL GROUP BY j.id"
        " HAVING count(DISTINCT j.side) = 1 AND bool_and(j.of IN (SELECT id FROM o))) x"
    ),
    "brackets": "FROM dispatch_bracket t WHERE t.name <> ''",
    "order_states": STATES,
    "case_states": STATES,
    "tasks": "FROM dispatch_task t WHERE t.instruction_id IN (SELECT id FROM o)",
    "user_tasks": "FROM dispatch_task t WHERE t.instruction_id IS NULL AND t.done_at BETWEEN '1900-01-02' AND '2025-12-31'",
    "patient_events": "FROM dispatch_event",
    "files": "FROM dispatch_file",
    "order_files": "FROM dispatch_file t WHERE t.instruction_id IN (SELECT id FROM o)",
    "case_files": "FROM dispatch_file t WHERE t.instruction_id IN (SELECT id FROM o)",
    "messages": "FROM m",
    "team_communications": "FROM r WHERE r.group_id IS NOT NULL",
    "customer_feedback": "FROM r WHERE r.group_id IS NULL AND r.complaint",
    "message_attachments": "FROM dispatch_record_attachments t WHERE t.record_id IN (SELECT id FROM m)",
    "comments": f"FROM (SELECT t.id {COMMENTS} UNION ALL SELECT id FROM dispatch_note) x",
    "treatment_discussions": COMMENTS,
    "doctor_notes": "FROM dispatch_note",
    "case_messages": COMMENTS,
    "system_messages": "FROM dispatch_notification t WHERE t.send AND t.sent",
    "message_read_receipts": (
        "FROM dispatch_reading t JOIN ct ON ct.id = t.target_type_id WHERE ct.model = 'dispatch.record' AND t.target_id IN (SELECT id FROM m)"
    ),
    "external_links": (
        "FROM dispatch_link t JOIN ct ON ct.id = t.target_type_id WHERE t.external_id <> '' AND ("
        "(ct.model = 'dispatch.payment' AND t.target_id IN (SELECT id FROM pay)) OR (ct.model = 'auth.user' AND t.target_id IN (SELECT id FROM pr))"
        " OR (ct.model = 'dispatch.office' AND t.target_id IN (SELECT id FROM dispatch_office)))"
    ),
    "user_actions": "FROM dispatch_action t WHERE length(t.action) <= 50",
    "offers": "FROM dispatch_offer",
    "discounts": "FROM dispatch_discount",
    "payments": "FROM pay",
    "operations": "FROM dispatch_operation t WHERE t.type IN (1, 2) AND t.payment_id IN (SELECT id FROM pay)",
    "purchases": "FROM dispatch_purchase",
    "payment_items": "FROM dispatch_ware t WHERE t.payment_id IN (SELECT id FROM pay)",
    "global_settings": "FROM dispatch_globalsetting",
    "computational_agents": "FROM dispatch_agent",
    "computational_instances": "FROM dispatch_instance t WHERE t.project_id IN (SELECT id FROM pj)",
}


def target_query(name: str) -> str:
    return f"{LOADED}SELECT count(*) {TARGETS[name]}"


def filter_query(name: str) -> str:
    table, condition = FILTERS[name]
    return f"SELECT count(*) FROM {table} t WHERE {condition}"


def defect_query(kind: str, table: str, column: str) -> str:
    """The ids of the rows with this defect, in order."""
    return f"SELECT t.id FROM {table} t WHERE {_condition(kind, table, column)} ORDER BY t.id"


def _condition(kind: str, table: str, column: str) -> str:
    col = f't."{column}"'
    match kind:
        case "unknown_code":
            known = ", ".join(map(str, CODE_BOOKS[f"{table}.{column}"]))
            return f"{col} NOT IN ({known})"
        case "null_word":
            return f"{col} IN ({NULLISH})"
        case "bad_json":
            return f"{col} <> '' AND pg_temp.json_state({col}) = 'bad'"
        case "json_nul":
            return f"position('\\u0000' IN {col}) > 0 AND pg_temp.json_state({col}) = 'unstorable'"
        case "json_surrogate":
            return f"position('\\ud83d' IN {col}) > 0 AND pg_temp.json_state({col}) = 'unstorable'"
        case "dangling_generic_key":
            return _dangling(column.removesuffix("_id"))
        case "stale_content_type":
            of_row = f"c.id = t.{column.removesuffix('_id')}_type_id"
            return f"(SELECT c.model FROM django_content_type c WHERE {of_row}) IN ('casefile', 'oldmessage')"
        case "generic_key_half_null":
            return f"{col} IS NULL AND t.{column.removesuffix('_id')}_type_id IS NOT NULL"
        case "orphan":
            return f"{col} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {PARENTS[column]} p WHERE p.id = {col})"
        case "missing_parent":
            return f"{col} IS NULL" + (" AND t.order_id IS NULL" if table == "dispatch_payment" else "")
        case "date_out_of_range":
            return f"{col} NOT BETWEEN '1900-01-02' AND '2025-12-31'"
        case "tax_as_percent":
            return f"{col} > 1 AND {col} <= 100"
        case "tax_impossible":
            return f"{col} > 100"
        case "text_too_long":
            return f"length({col}) > {WIDTHS[column]}"
        case "invalid_email":
            return f"{col} <> '' AND {col} NOT IN ({NULLISH}) AND {col} !~ '{EMAIL}'"
        case "invalid_phone":
            return f"{col} <> '' AND NOT ({col} ~ '^[0-9+() .-]+$' AND length(regexp_replace({col}, '[^0-9]', '', 'g')) BETWEEN 7 AND 15)"
        case "shared_email":
            return f"lower(btrim({col})) IN (SELECT lower(btrim(email)) FROM auth_user WHERE email LIKE '%@%' GROUP BY 1 HAVING count(*) > 1)"
        case "username_case_collision":
            return "EXISTS (SELECT 1 FROM auth_user e WHERE lower(e.username) = lower(t.username) AND e.id <> t.id)"
        case "test_account":
            return "t.username LIKE 'test.%' AND t.email LIKE '%@test.example'"
        case "user_without_group":
            return "NOT EXISTS (SELECT 1 FROM auth_user_groups g WHERE g.user_id = t.id)"
        case "user_in_several_groups":
            return "(SELECT count(*) FROM auth_user_groups g WHERE g.user_id = t.id) > 1"
        case "doctor_is_not_a_doctor":
            return f"{col} IS NOT NULL AND NOT {IS_DOCTOR.format(col)}"
        case "untrimmed" if table == "auth_user":
            return "t.first_name <> btrim(t.first_name) OR t.last_name <> btrim(t.last_name)"
        case "untrimmed":
            return f"{col} <> btrim({col})"
        case "control_characters":
            return f"{col} ~ '{CONTROLS}'"
        case "huge_text":
            return f"length({col}) >= 1000000"
        case "bad_tooth_string":
            return f"{col} !~ '^[01]{{16}}$'"
        case "jaw_without_order":
            return (
                "NOT EXISTS (SELECT 1 FROM dispatch_instruction i WHERE i.upper_jaw_id = t.id)"
                " AND NOT EXISTS (SELECT 1 FROM dispatch_instruction i WHERE i.lower_jaw_id = t.id)"
            )
        case "jaw_of_both_sides":
            return (
                "EXISTS (SELECT 1 FROM dispatch_instruction i WHERE i.upper_jaw_id = t.id)"
                " AND EXISTS (SELECT 1 FROM dispatch_instruction i WHERE i.lower_jaw_id = t.id)"
            )
        case "duplicate_order_number":
            return EARLIER.format(table=table, same='e.patient_id = t.patient_id AND e."order" = t."order"')
        case "plan_shares_project":
            return EARLIER.format(table=table, same="e.project_id = t.project_id")
        case "unparsable_name":
            return f"{col} !~ '{BRACKET}'"
        case "number_too_big" if table == "dispatch_bracket":
            return f"{col} ~ '{BRACKET}' AND substring({col} from '^..-([0-9]+)-')::int > 9999"
        case "number_too_big":
            return f"{col} >= {1000 if column == 'percent' else 100_000_000}"
        case "contradictory_state" if table == "dispatch_task":
            return "t.checked <> (t.done_at IS NOT NULL)"
        case "contradictory_state":
            return "t.paid AND t.canceled"
        case "total_mismatch":
            return "t.total_price <> t.subtotal_price + t.additional_price + t.tax_value"
        case "negative_amount":
            return f"{col} < 0"
        case "period_ends_before_start":
            return "t.finish < t.start"
        case "tree_cycle" if table == "dispatch_category":
            return "EXISTS (SELECT 1 FROM dispatch_category e WHERE e.id = t.parent_id AND e.parent_id = t.id)"
        case "tree_cycle":
            return f"EXISTS (SELECT 1 FROM {table} e WHERE e.from_template_id = t.to_template_id AND e.to_template_id = t.from_template_id)"
    raise ValueError(f"no query for {kind} in {table}.{column}")


def _dangling(name: str) -> str:
    """Rows whose content type has a table, but not that row."""
    parts = []
    for model, table in MODELS.items():
        app, short = model.split(".")
        of_model = (
            f"t.{name}_type_id = (SELECT id FROM django_content_type WHERE app_label = '{app}' AND model = '{short}')"
        )
        parts.append(
            f"({of_model} AND t.{name}_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} p WHERE p.id = t.{name}_id))"
        )
    return " OR ".join(parts)
