import { useId, type ReactNode } from "react";
import { classes } from "./classes";

interface CardProps {
  title: ReactNode;
  /** What stands at the right of the title. */
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A card with a heading that names it. */
export function Card({ title, aside, className, children }: CardProps) {
  const id = useId();
  return (
    <section className={classes("card", className)} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
