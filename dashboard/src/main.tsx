import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import "./styles/index.css";
import "./styleNonce";
import { useSession } from "./live/SessionStore";
import { makeQueryClient } from "./queryClient";
import { ROUTES } from "./routes/routes";

const client = makeQueryClient();
// Who signs out leaves nothing behind for the next one.
useSession.subscribe((session) => {
  if (session.status === "out") client.clear();
});

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        {/* Choices live in the address: in a transition React puts a radio back first and checks it a moment later. */}
        <RouterProvider router={createBrowserRouter(ROUTES)} useTransitions={false} />
      </QueryClientProvider>
    </StrictMode>,
  );
