import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { HOTKEYS, NO_KEYS, pressKey } from "../domain/hotkeys.ts";
import type { Command } from "../domain/hotkeys.ts";
import { Dialog } from "./dialog.tsx";

/** Listens for the command keys and shows what they are. */
export function CommandKeys() {
  const [isOpen, setIsOpen] = useState(false);
  const navigate = useNavigate();
  const keyState = useRef(NO_KEYS);
  useEffect(() => {
    const listening = new AbortController();
    const run = (command: Command): void => {
      if (command === "help") setIsOpen(true);
      if (command === "home") void navigate({ to: "/" });
      if (command === "services") void navigate({ to: "/services" });
      if (command === "sagas") void navigate({ to: "/sagas" });
      if (command === "events") void navigate({ to: "/events" });
      if (command === "audit") void navigate({ to: "/audit" });
      if (command === "filter") document.querySelector<HTMLElement>("[data-filter]")?.focus();
    };
    const onKey = (event: KeyboardEvent): void => {
      if (isNoCommand(event)) return;
      const pressed = pressKey(keyState.current, event.key, performance.now());
      keyState.current = pressed.state;
      if (pressed.command === null) return;
      event.preventDefault();
      run(pressed.command);
    };
    document.addEventListener("keydown", onKey, { signal: listening.signal });
    return () => listening.abort();
  }, [navigate]);
  return (
    <Dialog isOpen={isOpen} onClose={() => setIsOpen(false)} title="Keys">
      <dl className="keys">
        {HOTKEYS.map((hotkey) => (
          <div key={hotkey.command}>
            <dt>
              {hotkey.keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{hotkey.does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

/** Typing in a field, in a dialog, or with a modifier is not a command. */
function isNoCommand(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  // A dialog that is closing is still in the page, but no longer seen.
  if (document.querySelector('[role="dialog"]')?.checkVisibility() === true) return true;
  const { target } = event;
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}
