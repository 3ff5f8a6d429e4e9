import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { present } from "@tideway/kernel";
import { TidewayProvider } from "@tideway/ui";
import faviconUrl from "@tideway/ui/favicon.svg?no-inline";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/mantine.ts";
import "./styles/console.css";
import "./styles/rollout.css";
import "./styles/service.css";
import "./styles/backbone.css";
import { createQueryClient } from "./data/session.ts";
import { createConsoleRouter } from "./router.tsx";

showFavicon();
const queryClient = createQueryClient();
const router = createConsoleRouter();

createRoot(present(document.getElementById("root"), "index.html holds the root.")).render(
  <StrictMode>
    <TidewayProvider locale="en-GB">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </TidewayProvider>
  </StrictMode>,
);

/** The mark is kept once, in the shared components; the build gives it an address. */
function showFavicon(): void {
  const link = document.createElement("link");
  link.rel = "icon";
  link.type = "image/svg+xml";
  link.href = faviconUrl;
  document.head.append(link);
}
