import { Suspense, useEffect, useRef, useState } from "react";
import { Outlet, useLocation, useNavigate } from "react-router";
import { Dialog } from "radix-ui";
import { Skeleton } from "../components/Skeleton";
import { StaleBanner } from "../components/StaleBanner";
import { Toaster } from "../components/Toast";
import { KeysDialog } from "../keys/KeysDialog";
import { useKeys } from "../keys/useKeys";
import { socketService, useMigrations } from "../live/MigrationStore";
import { useMay } from "../live/SessionStore";
import { Find } from "./Find";
import { Brand, Navigation } from "./Navigation";
import { TopBar } from "./TopBar";
import { useLine } from "./useLine";
import { UserMenu } from "./UserMenu";
import { useFocusReturn } from "../components/useFocusReturn";

/** The frame around every page: where one can go, what can be found, whether figures are live. */
export function Shell() {
  useLine();
  const [finding, setFinding] = useState(false);
  const [keys, setKeys] = useState(false);
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  useShellKeys(() => setFinding(true), () => setKeys(true));
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    setMenu(false);
    main.current?.focus();
    window.scrollTo(0, 0);
  }, [pathname]);
  return (
    <div className="app">
      <a className="skip" href="#main">
        To the page
      </a>
      <aside className="side" aria-label="Main">
        <Brand />
        <Navigation />
        <div className="foot">
          <UserMenu onKeys={() => setKeys(true)} />
        </div>
      </aside>
      <div className="min-w-0">
        <TopBar onMenu={() => setMenu(true)} onFind={() => setFinding(true)} />
        <Disconnected />
        <main className="page" id="main" ref={main} tabIndex={-1}>
          <Suspense fallback={<Skeleton label="Loading the page" />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <PhoneMenu open={menu} onClose={() => setMenu(false)} onKeys={() => setKeys(true)} />
      <Find open={finding} onClose={() => setFinding(false)} />
      <KeysDialog open={keys} onClose={() => setKeys(false)} />
      <Toaster />
    </div>
  );
}

function useShellKeys(find: () => void, showKeys: () => void): void {
  const navigate = useNavigate();
  const audit = useMay("audit:read");
  const health = useMay("health:read");
  const go = (to: string) => () => void navigate(to);
  useKeys({
    "/": find,
    "?": showKeys,
    "g m": go("/migrations"),
    "g p": go("/plans"),
    "g a": audit ? go("/audit") : undefined,
    "g s": health ? go("/system") : undefined,
    f: () => document.querySelector<HTMLElement>("[data-filter]")?.focus(),
  });
}

/** The line is down: the figures below keep their time. */
function Disconnected() {
  const since = useMigrations((state) => state.disconnectedAt);
  return since ? <StaleBanner since={since} onRetry={() => socketService.retry()} /> : null;
}

function PhoneMenu({ open, onClose, onKeys }: { open: boolean; onClose: () => void; onKeys: () => void }) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="drawer-nav side-foot" {...focus} aria-describedby={undefined}>
          <Dialog.Title className="sr">Menu</Dialog.Title>
          <Brand />
          <Navigation />
          <div className="mt-auto">
            <UserMenu onKeys={onKeys} />
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
