import type { Report } from "../../api/types";
import { counted, grouped } from "../../format/number";
import { PaperTable } from "./PaperTable";

type Codebook = Report["codebooks"][number];

/** Which codes the snapshot held, and what they mean. Codes of few rows are counted, not named. */
export function Codes({ rows }: { rows: Report["codebooks"] }) {
  const told = rows.filter((book) => !book.untold);
  const silent = rows.filter((book) => book.untold);
  return (
    <PaperTable
      title="Codes met"
      empty="No column goes through a code book whose codes could be counted."
      heads={[{ word: "Column" }, { word: "Code" }, { word: "Means" }, { word: "Rows", figure: true }]}
      rows={told.flatMap((book) => [
        ...book.codes.map(({ code, meaning, rows: count }, position) => [position === 0 ? <Column key="column" book={book} /> : "", code, meaning, grouped(count)]),
        ...(restOf(book) ? [[book.codes.length === 0 ? <Column key="column" book={book} /> : "", "–", restOf(book), book.unknownRows === null ? "–" : grouped(book.unknownRows)]] : []),
      ])}
    >
      {silent.length > 0 && (
        <p className="muted">
          The codes of {silent.map(({ mapping, column }) => `${mapping}.${column}`).join(", ")} could not be counted.
        </p>
      )}
    </PaperTable>
  );
}

function Column({ book }: { book: Codebook }) {
  return (
    <>
      <span className="mono">
        {book.mapping}.{book.column}
      </span>{" "}
      <span className="muted">{book.book}</span>
    </>
  );
}

/** What is said of a book besides its codes. */
function restOf(book: Codebook): string {
  const becomes = book.otherwise === null ? "wait in quarantine" : `become ${book.otherwise}`;
  return [
    book.rare > 0 && `${counted(book.rare, "more code")} of fewer than five rows`,
    book.unknown > 0 && `${counted(book.unknown, "code")} that the book does not know: they ${becomes}`,
    book.many && "not all values were looked at",
  ]
    .filter(Boolean)
    .join("; ");
}
