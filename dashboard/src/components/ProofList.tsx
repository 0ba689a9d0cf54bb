import type { Evidence } from "../api/types";
import { Ago } from "./Ago";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";

const ICONS: Record<Evidence["state"], IconName> = { holds: "check", failed: "fail", not_checked: "ring" };
const TONES: Record<Evidence["state"], string> = { holds: "completed c-ink", failed: "failed c-ink", not_checked: "muted" };

/** How a claim is known: by which check, with what result, when. What was not checked says so and never looks like a pass. */
export function ProofList({ evidence }: { evidence: readonly Evidence[] }) {
  return (
    <ol className="proofs">
      {evidence.map((proof) => (
        <li key={proof.code}>
          <Icon name={proof.state === "not_checked" ? "clock" : "scale"} />
          <div>
            <b>{proof.check}</b>
          </div>
          <div className="w">
            <span className={`row gap-1 justify-end ${TONES[proof.state]}`}>
              <Icon name={ICONS[proof.state]} small />
              {proof.state === "not_checked" ? proof.result || "Not checked" : proof.result}
            </span>
            {proof.at && <Ago at={proof.at} absolute />}
          </div>
        </li>
      ))}
    </ol>
  );
}
