import type { ComponentProps } from "react";
import { Link, type LinkProps } from "react-router";
import { Icon } from "./Icon";
import type { IconName } from "./drawings";
import { Kbd } from "./Kbd";
import { classes } from "./classes";

export type Look = "plain" | "primary" | "danger" | "danger solid" | "quiet";

interface Shown {
  look?: Look;
  icon?: IconName;
  shortcut?: string;
}

interface ButtonProps extends Shown, ComponentProps<"button"> {
  /** It is being done: no second press. */
  busy?: boolean;
}

/** A button says what will happen, and to how many. */
export function Button({ look = "plain", icon, shortcut, busy = false, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={classes("btn", look !== "plain" && look, !children && "icon", className)}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {icon && <Icon name={busy ? "spin" : icon} />}
      {children}
      {shortcut && <Kbd>{shortcut}</Kbd>}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({ look = "plain", icon, shortcut, className, children, ...rest }: Shown & LinkProps) {
  return (
    <Link className={classes("btn", look !== "plain" && look, className)} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
      {shortcut && <Kbd>{shortcut}</Kbd>}
    </Link>
  );
}
