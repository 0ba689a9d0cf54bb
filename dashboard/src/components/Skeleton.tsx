import { useEffect, useState } from "react";

const DELAY_MS = 300;
const WIDTHS = ["80%", "60%", "90%", "70%", "50%", "85%"];

/** The shape of what follows, after 300 ms: what comes sooner needs no announcement. */
export function Skeleton({ label, rows = 6 }: { label: string; rows?: number }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), DELAY_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return null;
  return (
    <div className="tbl" role="status" aria-busy="true">
      <span className="sr">{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="r" aria-hidden="true">
          <i className="sk" style={{ width: WIDTHS[row % WIDTHS.length] }} />
          <i className="sk" style={{ width: "70%" }} />
          <i className="sk" style={{ width: "60%" }} />
          <i className="sk" />
        </div>
      ))}
    </div>
  );
}
