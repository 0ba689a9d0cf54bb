"""The meaning of every coded column. README.md prints the same tables; verify.py keeps the two in step.

A value outside the book is an unknown code: the generator plants some in every column, and counts them.
"""

ORDER_STATUS = {0: "no_product", 1: "submitted", 2: "on_hold", 4: "shipped"}

CODE_BOOKS: dict[str, dict[int, str]] = {
    "dispatch_patient.sex": {0: "other", 1: "male", 2: "female"},
    "dispatch_patient.status": {1: "in_treatment", 2: "consultation", 4: "completed", 10: "on_hold"},
    "dispatch_course.type": {1: "main", 2: "refinement", 3: "any", 4: "replacement", 5: "invoice", 6: "merchandise"},
    "dispatch_product.type": {1: "lingual appliance", 2: "labial appliance", 3: "accessory", 4: "service"},
    "dispatch_role.type": {
        1: "sectioning",
        2: "quality_control",
        3: "designing",
        4: "manufacturing",
        5: "master",
        6: "remote",
    },
    "dispatch_doctorsetting.tier_type": {1: "bronze", 2: "silver", 3: "gold"},
    "dispatch_instruction.status": ORDER_STATUS,
    "dispatch_instruction.model": {1: "impression", 2: "intraoral scan", 3: "plaster model"},
    "dispatch_instruction.scanner": {0: "none", 1: "chairside A", 2: "chairside B", 3: "laboratory scanner"},
    "dispatch_jaw.reason": {1: "breakage", 2: "other", 3: "complete"},
    "dispatch_state.status": {11: "treatment_active", 12: "case_closed"},
    "dispatch_project.type": {
        0: "stl_upper",
        1: "stl_lower",
        2: "clinical_photo",
        3: "treatment_plan",
        4: "xray",
        5: "cbct_scan",
        6: "simulation",
        7: "aligner_design",
        8: "document",
        9: "other",
    },
    "dispatch_project.status": {0: "draft", 1: "in_review", 2: "approved", 3: "completed"},
    "dispatch_bracket.type": {1: "standard", 2: "self_ligating", 3: "tube", 4: "band"},
    "dispatch_order.status": {1: "open", 2: "paid", 3: "closed"},
    "dispatch_record.type": {3: "message", 5: "clinical_note", 6: "patient_message", 8: "status"},
    "dispatch_file.type": {
        0: "other",
        1: "stl_upper",
        2: "stl_lower",
        3: "clinical_photo",
        4: "xray",
        5: "cbct_scan",
        6: "document",
        7: "simulation",
    },
    "dispatch_file.status": {0: "uploading", 1: "uploaded", 2: "archived", 3: "failed"},
    "dispatch_template.function": {1: "upload", 2: "review", 3: "approve", 4: "ship", 5: "notify"},
    "dispatch_template.status": ORDER_STATUS,
    "dispatch_task.jaw": {0: "both", 1: "upper", 2: "lower"},
    "dispatch_operation.type": {1: "payment", 2: "refund"},
}

# auth_group: id -> (name, profile type it stands for; None = says nothing about the person)
GROUPS = {
    1: ("Patient", "patient"),
    2: ("Doctor", "doctor"),
    3: ("Sales", "sales_person"),
    4: ("Admin", "admin"),
    5: ("Master", "master"),
    6: ("Support", "support_agent"),
    7: ("Shipping", None),
    8: ("Billing", None),
    10: ("Partners", None),
    11: ("Technician", "technician"),
}

# A person in several groups gets the first of these; see PROFILE_RULE in checks.py for people in none of them.
GROUP_PRIORITY = (4, 5, 11, 3, 6, 2, 1)

# Country spellings -> the one to keep. Anything else is kept as it is; NULL and '' stay NULL.
COUNTRIES = {
    "usa": "USA",
    "us": "USA",
    "u.s.a.": "USA",
    "united states": "USA",
    "united states of america": "USA",
    "india": "India",
    "in": "India",
    "japan": "Japan",
    "jp": "Japan",
    "日本": "Japan",
    "thailand": "Thailand",
    "ไทย": "Thailand",
}

NULL_WORDS = ("null", "NULL", "None", "undefined")  # exact case: 'Null' is a real surname
