import { Link } from "react-router";
import { grouped } from "../format/number";

export interface Tab {
  word: string;
  to: string;
  current: boolean;
  count?: number | undefined;
}

/** The parts of one thing. Each has an address, so they are links, and back returns to the one before. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.word} to={tab.to} aria-current={tab.current ? "page" : undefined}>
          {tab.word}
          {tab.count !== undefined && <span className="n">{grouped(tab.count)}</span>}
        </Link>
      ))}
    </nav>
  );
}
