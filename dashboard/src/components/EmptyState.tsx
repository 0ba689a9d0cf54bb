import type { ReactNode } from "react";
import type { IconName } from "./drawings";
import { Icon } from "./Icon";
import { classes } from "./classes";

interface EmptyStateProps {
  title: string;
  /** What is true, and what to do. */
  children: ReactNode;
  icon?: IconName;
  tone?: string;
  action?: ReactNode;
  alert?: boolean;
  /** It is the whole page, and its title the page's. */
  page?: boolean;
}

/** A page or a part of it that has nothing to show: why, and what to do. */
export function EmptyState({ title, children, icon, tone, action, alert = false, page = false }: EmptyStateProps) {
  return (
    <div className="empty" role={alert ? "alert" : undefined}>
      {icon && (
        <span className={classes(tone, tone ? "c-fill" : "muted")}>
          <Icon name={icon} />
        </span>
      )}
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{children}</p>
      {action !== undefined && <div className="row">{action}</div>}
    </div>
  );
}
