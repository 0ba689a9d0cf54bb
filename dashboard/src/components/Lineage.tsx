import type { LineageColumn } from "../api/types";
import { counted } from "../format/number";
import { classes } from "./classes";

const ROW = 38;
const TOP = 42;
const BOX = 28;

interface Source {
  key: string;
  table: string;
  column: string;
}

interface Placed extends Source {
  y: number;
}

/** The legacy columns, table by table, each at its height; the name of a table takes a row. */
export function placed(columns: readonly LineageColumn[]): { sources: readonly Placed[]; tables: readonly { name: string; y: number }[] } {
  const known = new Map<string, Source>();
  for (const column of columns)
    for (const source of column.sources) {
      const table = source.table || source.alias;
      known.set(`${table}.${source.column}`, { key: `${table}.${source.column}`, table, column: source.column });
    }
  const byTable = new Map<string, Source[]>();
  for (const source of known.values()) byTable.set(source.table, [...(byTable.get(source.table) ?? []), source]);
  const sources: Placed[] = [];
  const tables: { name: string; y: number }[] = [];
  let y = TOP;
  for (const [name, found] of byTable) {
    tables.push({ name, y: y - 6 });
    for (const source of found) {
      sources.push({ ...source, y });
      y += ROW;
    }
    y += 14;
  }
  return { sources, tables };
}

interface LineageProps {
  mapping: string;
  columns: readonly LineageColumn[];
  selected: string;
  onSelect: (column: string) => void;
}

function short(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** From legacy columns over expressions to the columns of one target table. The same is below as a list of buttons. */
export function Lineage({ mapping, columns, selected, onSelect }: LineageProps) {
  const { sources, tables } = placed(columns);
  const at = new Map(sources.map((source) => [source.key, source.y]));
  const last = Math.max(TOP + columns.length * ROW, (sources.at(-1)?.y ?? TOP) + ROW);
  const chosen = columns.find((column) => column.column === selected);
  return (
    <>
      <div className="lin-x" role="region" aria-label="Lineage picture" tabIndex={0}>
        <svg
          className="lin"
          viewBox={`0 0 620 ${last}`}
          role="img"
          aria-label={`Lineage of ${mapping}: ${counted(columns.length, "target column")} from ${counted(sources.length, "legacy column")}.`}
        >
          <text className="th" x="232" y="26">
            expression
          </text>
          <text className="th" x="448" y="26">
            {mapping}
          </text>
          {tables.map((table) => (
            <text key={table.name} className="th" x="4" y={table.y}>
              {short(table.name, 26)}
            </text>
          ))}
          {columns.map((column, position) => {
            const hot = classes(column.column === selected && "hot");
            const y = TOP + position * ROW + BOX / 2;
            return (
              <g key={column.column}>
                {column.sources.map((source) => {
                  const from = (at.get(`${source.table || source.alias}.${source.column}`) ?? TOP) + BOX / 2;
                  return <path key={`${source.alias}.${source.column}`} className={`w ${hot}`} d={`M172 ${from}C205 ${from} 200 ${y} 232 ${y}`} />;
                })}
                <path className={`w ${hot}`} d={`M408 ${y}H448`} />
                <rect className={`ex ${hot}`} x="232" y={y - 13} width="176" height="26" rx="13" />
                <text className="exx" x="320" y={y + 4} textAnchor="middle">
                  {short(column.expression.replace(/\s+/g, " "), 24)}
                </text>
                <rect className={`col ${hot}`} x="448" y={y - BOX / 2} width="168" height={BOX} rx="5" />
                <text x="460" y={y + 4}>
                  {short(column.column, 22)}
                </text>
              </g>
            );
          })}
          {sources.map((source) => (
            <g key={source.key}>
              <rect
                className={classes("col", chosen?.sources.some((one) => `${one.table || one.alias}.${one.column}` === source.key) && "hot")}
                x="4"
                y={source.y}
                width="168"
                height={BOX}
                rx="5"
              />
              <text x="16" y={source.y + BOX / 2 + 4}>
                {short(source.column, 20)}
              </text>
            </g>
          ))}
        </svg>
      </div>
      <div className="row wrap px-4 pb-3" role="group" aria-label="Target columns">
        {columns.map((column) => (
          <button
            key={column.column}
            type="button"
            className="tag mono"
            aria-pressed={column.column === selected}
            onClick={() => onSelect(column.column)}
          >
            {column.column}
          </button>
        ))}
      </div>
      {chosen && <Inspected column={chosen} />}
    </>
  );
}

function Inspected({ column }: { column: LineageColumn }) {
  const sources = column.sources.map((source) => `${source.table || source.alias}.${source.column}`);
  return (
    <dl className="inspect">
      <dt>
        {column.table}.{column.column}
      </dt>
      <dd className="mono">{column.expression}</dd>
      <dt>legacy</dt>
      <dd className="mono">{sources.length > 0 ? sources.join(", ") : "none: computed from constants or the key"}</dd>
      {column.codebooks.length > 0 && (
        <>
          <dt>codebooks</dt>
          <dd className="mono">{column.codebooks.join(", ")}</dd>
        </>
      )}
      {column.refersTo.length > 0 && (
        <>
          <dt>refers to</dt>
          <dd className="mono">{column.refersTo.join(", ")}</dd>
        </>
      )}
      {column.invented && (
        <>
          <dt>invented</dt>
          <dd>The plan makes this value up; the report says so.</dd>
        </>
      )}
    </dl>
  );
}
