import { useEffect, useRef } from "react";
import type { Finding } from "../api/types";
import { counted } from "../format/number";
import { useHash } from "../shell/useHash";
import { classes } from "./classes";
import { Icon } from "./Icon";

interface PlanSourceProps {
  file: string;
  text: string;
  errors: readonly Finding[];
  /** Takes the nearest known name; absent where the text cannot be changed. */
  onTake?: ((finding: Finding) => void) | undefined;
}

/** The nearest known name, where the gateway's remedy names one. */
export function suggestionOf(finding: Finding): string | null {
  return /^Write (\S+)\.$/.exec(finding.remedy)?.[1] ?? null;
}

/** The text with the wrong name at a finding's place replaced by its suggestion. */
export function corrected(text: string, finding: Finding): string {
  const suggestion = suggestionOf(finding);
  const lines = text.split("\n");
  const line = lines[finding.line - 1];
  if (suggestion === null || line === undefined) return text;
  const before = line.slice(0, finding.column - 1);
  const rest = line.slice(finding.column - 1).replace(/^(['"]?)[\w.$-]+/, (_, quote: string) => quote + suggestion);
  lines[finding.line - 1] = before + rest;
  return lines.join("\n");
}

interface Part {
  text: string;
  kind: "" | "k" | "s" | "q" | "f";
}

/** A line of a plan in its parts: the name before the colon, quoted text, calls. */
export function parts(line: string): readonly Part[] {
  const head = /^(\s*(?:- )?)([A-Za-z_][\w.-]*)(:)(?=\s|$)/.exec(line);
  const rest = head ? line.slice(head[0].length) : line;
  const found: Part[] = head ? [{ text: head[1] ?? "", kind: "" }, { text: head[2] ?? "", kind: "k" }, { text: ":", kind: "" }] : [];
  for (const piece of rest.split(/('[^']*'|\b[a-z_]+(?=\())/)) {
    if (piece === "") continue;
    found.push({ text: piece, kind: piece.startsWith("'") ? "q" : /^[a-z_]+$/.test(piece) && rest.includes(`${piece}(`) ? "f" : "s" });
  }
  return found;
}

/** The source of a plan, each error under its line. The line that the address names is scrolled to, else the first error. */
export function PlanSource({ file, text, errors, onTake }: PlanSourceProps) {
  const shown = useRef<HTMLLIElement>(null);
  const asked = useHash();
  const here = errors.filter((error) => error.file === "" || error.file === file);
  const firstLine = Math.min(...here.map((error) => error.line));
  const isAsked = (line: number): boolean => asked === `${file}-${line}`;
  const shownLine = text.split("\n").findIndex((_, position) => isAsked(position + 1)) + 1 || firstLine;
  useEffect(() => {
    shown.current?.scrollIntoView({ block: "center" });
  }, [shownLine, file]);
  return (
    <section className="card" aria-label={file}>
      <header>
        <h2 className="mono">{file}</h2>
        {here.length > 0 && (
          <span className="failed c-ink row xs gap-1">
            <Icon name="fail" small />
            {counted(here.length, "error")}
          </span>
        )}
      </header>
      <div className="yaml" role="region" tabIndex={0} aria-label={`Source of ${file}`}>
        <ol role="list">
          {text.split("\n").map((line, position) => {
            const found = here.filter((error) => error.line === position + 1);
            return (
              <li
                key={position}
                className={classes(found.length > 0 && "bad", isAsked(position + 1) && "asked")}
                ref={position + 1 === shownLine ? shown : undefined}
                id={`${file}-${position + 1}`}
              >
                <span className="ln" aria-hidden="true">
                  {position + 1}
                </span>
                <div>
                  <code>
                    {parts(line).map((part, at) => (
                      <span key={at} className={part.kind}>
                        {part.text}
                      </span>
                    ))}
                  </code>
                  {found.map((finding) => (
                    <Message key={`${finding.column} ${finding.message}`} finding={finding} onTake={onTake} />
                  ))}
                </div>
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}

function Message({ finding, onTake }: { finding: Finding; onTake?: ((finding: Finding) => void) | undefined }) {
  const suggestion = suggestionOf(finding);
  return (
    <div className="msg">
      <Icon name="fail" small />
      <span>
        <b>{finding.message}</b> Line {finding.line}, column {finding.column}. {" "}
        {suggestion !== null && onTake ? (
          <button type="button" className="lnk" onClick={() => onTake(finding)}>
            use “{suggestion}”
          </button>
        ) : (
          finding.remedy
        )}
      </span>
    </div>
  );
}
