import { Fragment } from "react";
import { Link } from "react-router";
import { Button } from "../components/Button";
import { Icon } from "../components/Icon";
import { Kbd } from "../components/Kbd";
import { Live } from "../components/Live";
import { useMigrations } from "../live/MigrationStore";
import { useCrumbTrail } from "./crumbs";
import { usePreferences } from "./preferences";

/** The bar above every page: the way here, the search, whether figures are live, the theme. */
export function TopBar({ onMenu, onFind }: { onMenu: () => void; onFind: () => void }) {
  const trail = useCrumbTrail((state) => state.trail);
  const isConnected = useMigrations((state) => state.isConnected);
  const lost = useMigrations((state) => state.disconnectedAt !== null);
  return (
    <header className="bar-top">
      <Button look="quiet" icon="menu" className="burger" aria-label="Open menu" onClick={onMenu} />
      <nav className="crumbs grow" aria-label="Breadcrumb">
        {trail.map((crumb, position) => (
          <Fragment key={crumb.word}>
            {position > 0 && <Icon name="chev" />}
            {crumb.to === undefined ? (
              <span className="clip" aria-current="page">
                {crumb.word}
              </span>
            ) : (
              <Link to={crumb.to}>{crumb.word}</Link>
            )}
          </Fragment>
        ))}
      </nav>
      <button type="button" className="search" onClick={onFind}>
        <Icon name="search" small />
        Find a migration or plan
        <Kbd>/</Kbd>
      </button>
      <Live state={isConnected ? "live" : lost ? "reconnecting" : "ended"} />
      <ThemeButton />
    </header>
  );
}

function ThemeButton() {
  const theme = usePreferences((state) => state.theme);
  const setTheme = usePreferences((state) => state.setTheme);
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <Button
      look="quiet"
      icon="moon"
      className="wide-only"
      aria-label="Dark theme"
      aria-pressed={dark}
      onClick={() => setTheme(dark ? "light" : "dark")}
    />
  );
}
