import { create } from "qrcode";
import { useCopy } from "@tideway/ui";
import { useMemo } from "react";
import { messages } from "../messages.ts";
import { qrPath } from "./qr-path.ts";
import { QrFrame } from "./qr-frame.tsx";
import { Live } from "./live.tsx";

/** Modules of white around the code that readers need. */
const QUIET_MODULES = 4;
const words = messages.invoice;

/** A link as a code; a press copies the link and leaves the code in place. */
export default function QrCode({ text }: { readonly text: string }) {
  const { state, copy } = useCopy(text);
  const drawn = useMemo(() => {
    const { modules } = create(text, { errorCorrectionLevel: "M" });
    return {
      size: modules.size,
      path: qrPath(modules.size, (row, column) => modules.get(row, column) === 1),
    };
  }, [text]);
  const edge = drawn.size + 2 * QUIET_MODULES;
  const said = { idle: words.scanOrCopy, copied: words.copied, failed: words.copyFailed }[state];
  return (
    <>
      <button type="button" className="w-qr-button" onClick={copy} aria-label={words.qrLabel}>
        <QrFrame>
          <svg viewBox={`0 0 ${edge} ${edge}`} shapeRendering="crispEdges" aria-hidden>
            <g transform={`translate(${QUIET_MODULES} ${QUIET_MODULES})`}>
              <path d={drawn.path} />
            </g>
          </svg>
        </QrFrame>
      </button>
      <Live className="w-small"> {said}</Live>
    </>
  );
}
