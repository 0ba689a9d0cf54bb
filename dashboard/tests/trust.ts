import type { MappingVerification, QuarantineRow, Validation, Verification } from "../src/api/types";
import { MIGRATION_ID, RUN_ID } from "./fixtures";

/** Documents of verifies, dry runs and refused rows as the gateway sends them, with invented names and counts. */

export const OTHER_ID = "1a2b3c4d-61d4-4a0e-9d6c-2f1f3f7c1a42";

export function verified(name: string, given: Partial<MappingVerification> = {}): MappingVerification {
  return {
    mapping: name,
    outcome: "equal",
    checked: 1000,
    equal: 1000,
    absent: 0,
    different: 0,
    missing: 0,
    unexpected: 0,
    extra: 0,
    changedSince: 0,
    couldNotVerify: 0,
    notChecked: 0,
    columns: [],
    ...given,
  };
}

export function verification(given: Partial<Verification> = {}): Verification {
  return {
    runId: OTHER_ID,
    about: RUN_ID,
    kind: "verify",
    state: "completed",
    outcome: "equal",
    sample: null,
    extrasChecked: true,
    differences: 0,
    repairable: 0,
    mappings: [verified("orders"), verified("offices")],
    createdAt: "2026-11-22T03:00:00Z",
    finishedAt: "2026-11-22T03:05:00Z",
    loadedFrom: "2026-11-22T00:12:30Z",
    comparedWith: "2026-11-22T03:00:10Z",
    ...given,
  };
}

export function validation(given: Partial<Validation> = {}): Validation {
  const check = { mapping: "orders", column: "status", checked: 1000, threshold: 0.001 };
  return {
    runId: RUN_ID,
    migrationId: MIGRATION_ID,
    migration: "Patient portal",
    plan: "clinic",
    planVersion: 14,
    state: "completed",
    tries: "insert",
    outcome: "failed",
    sentence: "Failed: 1 check is beyond the threshold. 1,040 rows were tried, nothing was written.",
    families: [
      { family: "conformance", checks: 2, withFailingRows: 1, failed: 1 },
      { family: "completeness", checks: 1, withFailingRows: 0, failed: 0 },
      { family: "plausibility", checks: 0, withFailingRows: 0, failed: 0 },
    ],
    checks: [
      { ...check, reason: "unknown_code", family: "conformance", failing: 14, share: 0.014, passed: false },
      { ...check, reason: "too_long", family: "conformance", failing: 0, share: 0, passed: true },
      { ...check, reason: "required", family: "completeness", failing: 0, share: 0, passed: true },
    ],
    leftOut: [{ table: "django_session", column: "", reason: "sessions are not moved" }],
    notChecked: [{ table: "public.orders", kind: "trigger", name: "orders_audit" }],
    ...given,
  };
}

export function refusedRow(given: Partial<QuarantineRow> = {}): QuarantineRow {
  return {
    ref: "aaaaaaaa-0000-4000-8000-000000000001",
    mapping: "orders",
    stage: "transform",
    reasons: [{ reason: "unknown_code", column: "status", sqlstate: "", title: "Unknown code" }],
    columns: [
      { name: "o.birth_date", kind: "date", clear: false, value: null },
      { name: "o.status", kind: "integer", clear: true, value: "7" },
    ],
    waitsFor: "",
    state: "waiting",
    resolvedAt: null,
    createdAt: "2026-11-22T00:52:40Z",
    ...given,
  };
}
