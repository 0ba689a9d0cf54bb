import type { MappingVerification } from "../api/types";
import { counted, grouped } from "../format/number";
import { VERIFY_OUTCOMES } from "../words/verification";
import { Icon } from "./Icon";
import { classes } from "./classes";

type Figure = Exclude<keyof MappingVerification, "mapping" | "outcome" | "columns">;

interface Column {
  of: Figure;
  word: string;
  /** Something is wrong where it is not 0. */
  bad?: boolean;
  /** Shown although it is 0 everywhere. */
  always?: boolean;
}

const COLUMNS: readonly Column[] = [
  { of: "checked", word: "Checked", always: true },
  { of: "equal", word: "Equal", always: true },
  { of: "absent", word: "Rightly absent" },
  { of: "different", word: "Different", bad: true, always: true },
  { of: "missing", word: "Missing", bad: true, always: true },
  { of: "unexpected", word: "Unexpected", bad: true },
  { of: "extra", word: "Extra", bad: true, always: true },
  { of: "changedSince", word: "Changed since" },
  { of: "couldNotVerify", word: "Could not verify" },
  { of: "notChecked", word: "Not checked" },
];

/** What a verify found, mapping by mapping; columns that are 0 everywhere are left out, but for those that prove something. */
export function VerificationTable({ mappings }: { mappings: readonly MappingVerification[] }) {
  const shown = COLUMNS.filter(({ of, always }) => always === true || mappings.some((mapping) => (mapping[of] ?? 0) > 0));
  return (
    <div className="scroll-x" role="region" aria-label="Verification by mapping" tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Mapping</th>
            <th scope="col">Result</th>
            {shown.map(({ of, word }) => (
              <th key={of} scope="col" className="num">
                {word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {mappings.map((mapping) => (
            <tr key={mapping.mapping}>
              <th scope="row" className="mono">
                {mapping.mapping}
              </th>
              <td>
                <Result mapping={mapping} />
              </td>
              {shown.map(({ of, bad }) => (
                <td key={of} className={cellClass(mapping[of], bad)}>
                  {mapping[of] === null ? "–" : grouped(mapping[of])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{counted(mappings.length, "mapping")}</th>
            <td />
            {shown.map(({ of }) => (
              <td key={of} className="num">
                {total(mappings, of)}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Result({ mapping }: { mapping: MappingVerification }) {
  const { tone, icon, word } = VERIFY_OUTCOMES[mapping.outcome];
  return (
    <span className={classes("row gap-1 whitespace-nowrap", tone, "c-ink")}>
      <Icon name={icon} small />
      {word}
    </span>
  );
}

function cellClass(value: number | null, bad = false): string {
  if (value === null || value === 0) return "num zero";
  return classes("num", bad && "different c-ink strong");
}

/** "–" where nobody looked for any mapping. */
function total(mappings: readonly MappingVerification[], of: Figure): string {
  const known = mappings.map((mapping) => mapping[of]).filter((value) => value !== null);
  return known.length === 0 ? "–" : grouped(known.reduce((sum, value) => sum + value, 0));
}
