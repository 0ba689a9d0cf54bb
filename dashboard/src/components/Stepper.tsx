import { Link } from "react-router";
import { Icon } from "./Icon";

export interface Step {
  word: string;
  remark: string;
  state: "done" | "now" | "later";
  to: string;
}

/** The steps of a task. Those that are done can be returned to. */
export function Stepper({ steps }: { steps: readonly Step[] }) {
  return (
    <ol className="steps" aria-label="Steps">
      {steps.map((step, position) => {
        const content = (
          <>
            <span className="no" aria-hidden="true">
              {step.state === "done" ? <Icon name="check" small /> : position + 1}
            </span>
            <span>
              <b>{step.word}</b>
              <small>{step.remark}</small>
            </span>
          </>
        );
        return (
          <li key={step.word} className={step.state} aria-current={step.state === "now" ? "step" : undefined}>
            {step.state === "done" ? (
              // On a phone the mark alone is seen.
              <Link to={step.to} className="row items-start gap-3" title={step.word}>
                {content}
              </Link>
            ) : (
              content
            )}
          </li>
        );
      })}
    </ol>
  );
}
