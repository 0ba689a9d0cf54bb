import type { Report } from "../../api/types";
import { mappingName } from "../../components/MappingTable";
import { grouped } from "../../format/number";
import { FATES } from "../../words/fates";
import { spoken } from "../../words/identifiers";
import { FATES_IN_ORDER } from "../../words/resolved";
import { PaperTable } from "./PaperTable";

/** What became of refused rows since the run ended. */
export function Fates({ rows }: { rows: Report["resolved"] }) {
  const refused = rows.filter((one) => FATES_IN_ORDER.some((fate) => one[fate] > 0));
  return (
    <PaperTable
      title="What became of refused rows"
      empty="Nothing was refused."
      heads={[{ word: "Mapping" }, ...FATES_IN_ORDER.map((fate) => ({ word: spoken(FATES[fate].word), figure: true })), { word: "Loaded now", figure: true }]}
      rows={refused.map((one) => [
        <span key="mapping" className="mono">
          {mappingName(one)}
        </span>,
        ...FATES_IN_ORDER.map((fate) => grouped(one[fate])),
        grouped(one.loadedNow),
      ])}
    />
  );
}
