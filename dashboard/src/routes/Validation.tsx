import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { validationQuery } from "../api/queries";
import type { Validation as ValidationDocument } from "../api/types";
import { Card } from "../components/Card";
import { Figure } from "../components/Figure";
import { Head } from "../components/Head";
import { Verdict } from "../components/Verdict";
import { counted, grouped } from "../format/number";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useTitle } from "../shell/useTitle";
import { shortId, spoken } from "../words/identifiers";
import { FAMILIES, inTwo, VALIDATION_OUTCOMES } from "../words/validation";
import { Loaded } from "./Loaded";
import { RunTabs } from "./RunTabs";
import { ValidationChecks } from "./ValidationChecks";

/** What a dry run found: one sentence, three families, every check with its threshold, and what only a real run shows. */
export function Validation() {
  const { id = "" } = useParams();
  const { status } = useRun(id);
  const query = useQuery(validationQuery(id));
  useTitle("Validation", status?.migration);
  useCrumbs([
    { word: "Migrations", to: "/migrations" },
    ...(status ? [{ word: status.migration, to: `/migrations/${status.id}` }] : []),
    { word: `Run ${shortId(id)}`, to: `/runs/${id}` },
    { word: "Validation" },
  ]);
  return (
    <>
      <Head
        title="Validation"
        facts={
          status && (
            <>
              <span>
                {status.migration}, dry run {shortId(id)}
              </span>
              {query.data?.tries === "merge" && <span>tries a differential run</span>}
            </>
          )
        }
      />
      {status && <RunTabs runId={id} status={status} tab="validation" />}
      <Loaded query={query} label="Loading the validation">
        {(validation) => <Result validation={validation} />}
      </Loaded>
    </>
  );
}

function Result({ validation }: { validation: ValidationDocument }) {
  const { ground, icon } = VALIDATION_OUTCOMES[validation.outcome];
  return (
    <div className="stack gap-5">
      <Verdict verdict={{ ground, ...inTwo(validation.sentence) }} icon={icon} />
      <section className="card tiles" aria-label="Families of checks">
        {validation.families.map(({ family, checks, withFailingRows, failed }) => (
          <Figure
            key={family}
            label={FAMILIES[family].word}
            value={failed === 0 ? grouped(checks) : grouped(failed)}
            unit={failed === 0 ? (checks === 1 ? " check within its threshold" : " checks within their thresholds") : ` of ${counted(checks, "check")} failed`}
            tone={failed > 0 ? "failed" : undefined}
            remark={`${FAMILIES[family].sentence} ${withFailingRows === 0 ? "No row failed." : `${counted(withFailingRows, "check")} with rows that fail.`}`}
          />
        ))}
      </section>
      <ValidationChecks checks={validation.checks} />
      <NotChecked validation={validation} />
      <LeftOut validation={validation} />
    </div>
  );
}

/** What a dry run cannot show never looks like something that passed. */
function NotChecked({ validation: { notChecked } }: { validation: ValidationDocument }) {
  return (
    <Card title="Not checked" aside={<span className="xs muted">{counted(notChecked.length, "thing")} of the target</span>}>
      {notChecked.length === 0 ? (
        <p className="body sm muted">The target’s tables have nothing that only a real run would show.</p>
      ) : (
        <NameList rows={notChecked.map(({ table, kind, name }) => ({ place: table, name, what: spoken(kind) }))} />
      )}
    </Card>
  );
}

function LeftOut({ validation: { leftOut } }: { validation: ValidationDocument }) {
  if (leftOut.length === 0) return null;
  return (
    <Card title="Not moved by the plan" aside={<span className="xs muted">{counted(leftOut.length, "table or column", "tables and columns")}</span>}>
      <NameList rows={leftOut.map(({ table, column, reason }) => ({ place: table, name: column, what: reason || "the plan gives no reason" }))} />
    </Card>
  );
}

function NameList({ rows }: { rows: readonly { place: string; name: string; what: string }[] }) {
  return (
    <ul className="sm">
      {rows.map(({ place, name, what }) => (
        <li key={`${place} ${name} ${what}`} className="row between wrap gap-x-4 border-t border-line px-4 py-2">
          <span className="mono break-all">
            {place}
            {name && <span className="muted">.{name}</span>}
          </span>
          <span className="soft">{what}</span>
        </li>
      ))}
    </ul>
  );
}
