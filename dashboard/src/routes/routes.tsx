import { Navigate, type RouteObject } from "react-router";
import { Skeleton } from "../components/Skeleton";
import { Shell } from "../shell/Shell";
import { Migrations } from "./Migrations";
import { Broken, NotFound } from "./NotFound";
import { RequireSession } from "./RequireSession";
import { SignIn } from "./SignIn";

const LOADING = <Skeleton label="Loading the page" />;

/** Every address of the dashboard. The first pages come with the script, the others when they are opened. */
export const ROUTES: RouteObject[] = [
  { path: "/sign-in", element: <SignIn />, errorElement: <Broken /> },
  {
    path: "/runs/:id/report",
    errorElement: <Broken />,
    hydrateFallbackElement: LOADING,
    lazy: async () => {
      const { Report } = await import("./Report");
      return {
        element: (
          <RequireSession>
            <Report />
          </RequireSession>
        ),
      };
    },
  },
  {
    path: "/",
    element: (
      <RequireSession>
        <Shell />
      </RequireSession>
    ),
    errorElement: <Broken />,
    hydrateFallbackElement: LOADING,
    children: [
      { index: true, element: <Navigate to="/migrations" replace /> },
      { path: "migrations", element: <Migrations /> },
      { path: "migrations/:id", lazy: async () => ({ Component: (await import("./Migration")).Migration }) },
      { path: "migrations/:id/new", lazy: async () => ({ Component: (await import("./NewRun")).NewRun }) },
      { path: "new", lazy: async () => ({ Component: (await import("./ChooseMigration")).ChooseMigration }) },
      { path: "runs/:id", lazy: async () => ({ Component: (await import("./Run")).Run }) },
      { path: "runs/:id/quarantine", lazy: async () => ({ Component: (await import("./Quarantine")).Quarantine }) },
      { path: "runs/:id/verification", lazy: async () => ({ Component: (await import("./Verification")).Verification }) },
      { path: "runs/:id/validation", lazy: async () => ({ Component: (await import("./Validation")).Validation }) },
      { path: "runs/:id/events", lazy: async () => ({ Component: (await import("./Events")).Events }) },
      { path: "plans", lazy: async () => ({ Component: (await import("./Plans")).Plans }) },
      { path: "plans/:name", lazy: async () => ({ Component: (await import("./Plan")).Plan }) },
      { path: "audit", lazy: async () => ({ Component: (await import("./Audit")).Audit }) },
      { path: "system", lazy: async () => ({ Component: (await import("./System")).System }) },
      { path: "*", element: <NotFound /> },
    ],
  },
];
