import { Link, useLocation } from "react-router";
import { Icon } from "../components/Icon";
import type { IconName } from "../components/drawings";
import { Mark } from "../components/Mark";
import { useSession } from "../live/SessionStore";
import type { Permission } from "../api/types";

interface Place {
  to: string;
  word: string;
  icon: IconName;
  permission: Permission;
  /** Other addresses that belong to it. */
  also?: string;
}

export const PLACES: readonly Place[] = [
  { to: "/migrations", word: "Migrations", icon: "migrations", permission: "migration:read", also: "/runs" },
  { to: "/plans", word: "Plans", icon: "plan", permission: "migration:read" },
  { to: "/audit", word: "Audit", icon: "audit", permission: "audit:read" },
  { to: "/system", word: "System", icon: "system", permission: "health:read" },
];

/** The mark and the name, to the first page. */
export function Brand() {
  return (
    <Link className="brand" to="/migrations">
      <Mark /> Transfuse
    </Link>
  );
}

/** Where one can go: only what one may see. */
export function Navigation() {
  const { pathname } = useLocation();
  const permissions = useSession((session) => session.me?.permissions) ?? [];
  const within = (path: string): boolean => pathname === path || pathname.startsWith(`${path}/`);
  return (
    <nav className="nav" aria-label="Sections">
      {PLACES.filter((place) => permissions.includes(place.permission)).map((place) => (
        <Link
          key={place.to}
          to={place.to}
          aria-current={within(place.to) || (place.also !== undefined && within(place.also)) ? "page" : undefined}
        >
          <Icon name={place.icon} />
          {place.word}
        </Link>
      ))}
    </nav>
  );
}
