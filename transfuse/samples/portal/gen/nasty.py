"""Values that break careless migrations."""

from __future__ import annotations

import json
import random

BAD_JSON = (
    "{'format': 'stl', 'jaw': 'upper'}",  # Python repr
    '{"format": "stl", "jaw": ',  # cut off
    "not yet decided",
    '{"weight": NaN}',
    '{"format": "stl",}',
    '{"note": "line\nbreak"}',  # raw newline inside a string
    "<xml>no</xml>",
)
NUL_JSON = '{"comment": "scan\\u0000failed", "retries": 2}'  # valid json, impossible jsonb
SURROGATE_JSON = '{"comment": "\\ud83d cut emoji"}'  # valid json, impossible jsonb
ODD_JSON = (  # unusual, yet valid
    "[]",
    "{}",
    '"plain string"',
    "0",
    '{"a": 1, "a": 2}',
    '{"price": 1e3, "n": 123456789012345678901234567890}',
    ' { "padded" : true } ',
    '{"emoji": "\\ud83e\\uddb7", "path": "C:\\\\scans\\\\u.stl"}',
    '{"": "empty key"}',
)

NASTY_TEXT = (
    "Line one\nline two\r\nline three\n\n- bullet",
    'She said: "don\'t extract 14" and left',
    "C:\\scans\\new\\upper.stl \\N \\. \\t",
    "col1\tcol2\tcol3",
    "Great result 😁🦷 thanks 👨‍👩‍👧",
    "\\u0000 and \\x00 written out, 100 % literal; DROP TABLE patients; --",
    "Trailing spaces   ",
    "  leading spaces",
    "Zażółć gęślą jaźń · 矯正の経過は良好です · उपचार ठीक चल रहा है · การรักษาเป็นไปด้วยดี",
    '{"looks": "like json"}',
    '=HYPERLINK("http://portal.example")',
    "<script>alert('x')</script><p>old HTML&nbsp;note</p>",
    "e\u0301 decomposed, ﬁ ligature, full width ＡＢＣ, non\u00a0breaking",
)
CONTROL_TEXT = (
    "Form\x0cfeed",
    "bell\x07",
    "vertical\x0btab",
    "escape \x1b[31mred",
    "BOM\ufeff inside",
    "right\u202eto left",
    "zero\u200bwidth",
)

INVALID_EMAILS = (
    "no-at-sign.example.com",
    "two@@example.com",
    "blank in@example.com",
    "missing@tld",
    "@example.com",
    "trailing@example.",
    "a@b@example.com",
)
INVALID_PHONES = ("n/a", "555", "call the mother", "++1 212", "12345678901234567890", "555-CALL-NOW", "see notes")

SENTENCES = (
    "Please check the midline.",
    "Patient reports discomfort on the lower left.",
    "Plan approved.",
    "Extraction of both first premolars agreed.",
    "New scan uploaded.",
    "Could you add torque on 11 and 21?",
    "Wire broke during the weekend.",
    "The box arrived damaged.",
    "Retention phase starts next visit.",
    "Waiting for the CBCT.",
    "Thank you for the quick turnaround!",
    "Is the appliance ready to ship?",
    "I am unhappy with the delay.",
    "We would like a refund.",
    "Bond teeth 13-23 only.",
    "Please call the office before shipping.",
    "Overjet reduced to 2 mm.",
    "Attachment on 45 lost.",
)


def prose(rng: random.Random, most: int = 4) -> str:
    text = " ".join(rng.choices(SENTENCES, k=rng.randint(1, most)))
    return text if rng.random() > 0.06 else f"{text}\n{rng.choice(NASTY_TEXT)}"


def document(kind: str | None, rng: random.Random, good: dict[str, object]) -> str:
    """JSON text: good, unusual, or broken in the planted way."""
    if kind == "bad_json":
        return rng.choice(BAD_JSON)
    if kind == "json_nul":
        return NUL_JSON
    if kind == "json_surrogate":
        return SURROGATE_JSON
    if rng.random() < 0.01:
        return rng.choice(ODD_JSON)
    return json.dumps(good, ensure_ascii=rng.random() < 0.5)


JSON_KINDS = ("bad_json", "json_nul", "json_surrogate")
