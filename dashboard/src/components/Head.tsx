import type { ReactNode } from "react";

interface HeadProps {
  title: string;
  /** Pills and tags beside the title. */
  beside?: ReactNode;
  /** Facts under the title, one each. */
  facts?: ReactNode;
  actions?: ReactNode;
}

/** The head of a page: its one h1, its facts, what may be done. */
export function Head({ title, beside, facts, actions }: HeadProps) {
  return (
    <div className="head">
      <div className="grow">
        <div className="row wrap gap-x-3 gap-y-1.5">
          <h1>{title}</h1>
          {beside}
        </div>
        {facts !== undefined && <div className="sub">{facts}</div>}
      </div>
      {actions !== undefined && <div className="row actions">{actions}</div>}
    </div>
  );
}
