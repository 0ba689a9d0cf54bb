import type { ReactNode } from "react";
import { classes } from "../../components/classes";

interface PaperTableProps {
  title: string;
  /** The heads; those of figures are marked so. */
  heads: readonly { word: string; figure?: boolean }[];
  rows: readonly (readonly ReactNode[])[];
  /** What is true where there is no row. */
  empty: string;
  children?: ReactNode;
}

/** A part of the report: a heading, a table that scrolls on a phone, or a sentence where there is nothing to list. */
export function PaperTable({ title, heads, rows, empty, children }: PaperTableProps) {
  const table = (
    <table className="rt">
      <thead>
        <tr>
          {heads.map(({ word, figure }) => (
            <th key={word} scope="col" className={classes(figure === true && "num")}>
              {word}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells, row) => (
          <tr key={row}>
            {cells.map((cell, position) => (
              <td key={position} className={classes(heads[position]?.figure === true && "num")}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p>{empty}</p>
      ) : (
        <div className="rt-x" role="region" tabIndex={0} aria-label={title}>
          {table}
        </div>
      )}
      {children}
    </section>
  );
}
