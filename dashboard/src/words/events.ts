import type { RunEvent, RunState } from "../api/types";
import type { IconName } from "../components/drawings";
import { grouped } from "../format/number";
import { spoken } from "./identifiers";
import { passWord } from "./passes";
import { OUTCOMES, STATES } from "./states";

type Detail = RunEvent["detail"][string] | undefined;

/** An event as it is shown: what happened, to which mapping, what else there is to know. */
export interface ToldEvent {
  icon: IconName;
  tone: string;
  text: string;
  mapping: string;
  remark: string;
}

const VERBS: Record<string, string> = { start: "started", pause: "asked to pause", resume: "asked to resume", cancel: "asked to cancel" };
const LEVELS: Record<RunEvent["level"], { icon: IconName; tone: string }> = {
  info: { icon: "info", tone: "" },
  warning: { icon: "warn", tone: "attention" },
  error: { icon: "fail", tone: "failed" },
};

/** The words for an entry of a run's history; one that this page does not know is told by its name and its figures. */
export function told(event: RunEvent): ToldEvent {
  const { detail } = event;
  const { icon, tone } = LEVELS[event.level];
  const mapping = word(detail.mapping);
  const state = word(detail.state);
  if (event.kind === "state" && isState(state)) {
    const shown = STATES[state];
    return { icon: shown.icon, tone: shown.tone, text: shown.word, mapping, remark: spokenReason(word(detail.reason)) };
  }
  if (event.kind === "asked") {
    const verb = word(detail.verb);
    return { icon: "people", tone: "", text: `${word(detail.actor) || "Somebody"} ${VERBS[verb] ?? verb}`, mapping, remark: "" };
  }
  if (event.kind === "mapping") {
    const shown = STATES[state === "failed" ? "failed" : "completed"];
    const reason = spokenReason(word(detail.reason));
    const remark = [reason, ...outcomes(detail)].filter(Boolean).join(" · ");
    return { icon: shown.icon, tone: shown.tone, text: (state === "failed" ? "failed" : "is complete") + pass(detail.pass), mapping, remark };
  }
  if (event.kind === "limit") {
    const remark = outcomes(detail).join(" · ");
    return { icon: "pause", tone: "attention", text: `paused at its quarantine limit${pass(detail.pass)}`, mapping, remark };
  }
  return { icon, tone, text: spoken(word(detail.code) || event.kind), mapping, remark: figures(detail) };
}

/** Which pass of the mapping it was; the first one needs no word. */
function pass(number: Detail): string {
  const word = typeof number === "number" ? passWord(number) : "";
  return word && `, ${word}`;
}

/** Rows read and what came of them; only what is not 0. */
function outcomes(detail: RunEvent["detail"]): readonly string[] {
  return ["read" as const, ...OUTCOMES].flatMap((name) => {
    const rows = detail[name];
    return typeof rows === "number" && rows > 0 ? [`${grouped(rows)} ${name}`] : [];
  });
}

function isState(state: string): state is RunState {
  return Object.hasOwn(STATES, state);
}

function spokenReason(reason: string): string {
  return reason && reason !== "asked" ? spoken(reason) : "";
}

function word(value: Detail): string {
  return value === null || value === undefined ? "" : String(value);
}

const TOLD = new Set(["mapping", "code", "state"]);

function figures(detail: RunEvent["detail"]): string {
  return Object.entries(detail)
    .filter(([name, value]) => !TOLD.has(name) && value !== null && value !== "")
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${word(value)}`)
    .join(" · ");
}
