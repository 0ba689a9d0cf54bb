import type { components } from "./schema";

/** The API's documents by the names that the pages use. JSON is camelCase; times are ISO 8601 in UTC. */
type Schemas = components["schemas"];

export type RunState = Schemas["RunState"];
export type RunStatusWord = Schemas["ShownState"];
export type RunKind = Schemas["RunKind"];
export type MappingState = Schemas["MappingState"];
export type Priority = Schemas["Priority"];
export type Permission = Schemas["Permission"];
export type Ground = Schemas["Ground"];
export type CheckState = Schemas["CheckState"];

export type Counts = Schemas["Counts"];
export type Outcome = Exclude<keyof Counts, "read">;

export type ProblemDocument = Schemas["Problem"];
export type Finding = Schemas["Finding"];
export type Configuration = Schemas["ConfigurationDocument"];
export type Me = Schemas["MeDocument"];
/** What is common to the sessions of the gateway and of Supabase. */
export type Session = Pick<Schemas["SignedInDocument"], "accessToken" | "expiresIn">;

export type Migration = Schemas["MigrationDocument"];
export type MigrationList = Schemas["MigrationList"];
export type Run = Schemas["RunDocument"];
export type RunList = Schemas["RunList"];
export type StartOptions = Schemas["StartOptions"] & { suspendConstraints?: boolean };

export type RunStatus = Schemas["RunStatus"];
export type Verdict = Schemas["Verdict"];
export type Phase = Schemas["PhaseStatus"];
export type MappingStatus = Schemas["MappingStatus"];
export type StageStatus = Schemas["StageStatus"];
export type Balance = Schemas["BalanceStatus"];
export type RunEvent = Schemas["EventDocument"];
export type EventList = Schemas["EventList"];
export type Throughput = Schemas["ThroughputDocument"];
export type ThroughputBucket = Schemas["ThroughputBucket"];
export type Report = Schemas["ReportDocument"];
export type Evidence = Schemas["Proof"];

export type QuarantineList = Schemas["QuarantineDocument"];
export type QuarantineGroup = Schemas["GroupDocument"];
export type QuarantineRow = Schemas["RowDocument"];
export type UnmaskedRow = Schemas["UnmaskedDocument"];
/** What an undo does where somebody built on the rows. */
export type BuiltOn = Schemas["BuiltOn"];
/** Which refused rows are meant. */
export type RowChoice = Schemas["RowChoice"];
export type DiscardForm = Schemas["DiscardForm"];
export type Discarded = Schemas["DiscardedDocument"];
export type EditForm = Schemas["EditForm"];
export type EditedRow = Schemas["EditedDocument"];

export type VerifyForm = Schemas["VerifyForm"];
export type RepairForm = Schemas["RepairForm"];
export type Verification = Schemas["VerificationDocument"];
export type MappingVerification = Schemas["MappingVerificationDocument"];
export type VerifyOutcome = Schemas["VerifyOutcome"];
export type FindingKind = Schemas["FindingKind"];
export type RowFinding = Schemas["FindingDocument"];
export type FindingList = Schemas["FindingsDocument"];

export type Validation = Schemas["ValidationDocument"];
export type ValidationCheck = Schemas["CheckResult"];
export type Family = Schemas["Family"];

export type Preflight = Schemas["PreflightDocument"];
export type Check = Schemas["CheckDocument"];
export type Plan = Schemas["PlanDocument"];
export type PlanSummary = Schemas["PlanSummary"];
export type PlanList = Schemas["PlanList"];
export type PlanCheck = Schemas["PlanCheck"];
/** What a plan says, as far as it can be told without a database. */
export type PlanContent = Omit<PlanCheck, "name" | "hash">;
export type LineageColumn = Schemas["LineageDocument"];

export type AuditList = Schemas["AuditPage"];
export type AuditEntry = Schemas["AuditEntryDocument"];
export type Chain = Schemas["ChainDocument"];
export type Health = Schemas["HealthDocument"];
export type Metrics = Schemas["MetricsDocument"];
