import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { present } from "@tideway/kernel";
import { TidewayProvider } from "@tideway/ui";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./wallet.css";
import { createQueryClient } from "./api/queries.ts";
import { dropDraft } from "./payment/draft.ts";
import { createWalletRouter } from "./router.tsx";
import { session } from "./session/browser-session.ts";

const queryClient = createQueryClient();
const router = createWalletRouter(session);

// Another person, or nobody: nothing of the one before may be shown, and the routes decide again.
session.subscribe(() => {
  queryClient.clear();
  dropDraft();
  void router.invalidate();
});

createRoot(present(document.getElementById("root"), "index.html has the root element.")).render(
  <StrictMode>
    <TidewayProvider>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </TidewayProvider>
  </StrictMode>,
);
