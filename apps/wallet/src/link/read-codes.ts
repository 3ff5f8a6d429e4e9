/** The browser's own code reader, where it has one (Chromium; WebKit behind a flag). */
interface Detector {
  detect(source: ImageBitmapSource): Promise<readonly { readonly rawValue: string }[]>;
}

interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

/** A reader of QR codes, or null where the browser has none. */
export async function createCodeReader(): Promise<Detector | null> {
  const found: unknown = Reflect.get(globalThis, "BarcodeDetector");
  if (!isDetectorClass(found)) return null;
  const formats = await found.getSupportedFormats();
  return formats.includes("qr_code") ? new found({ formats: ["qr_code"] }) : null;
}

function isDetectorClass(found: unknown): found is DetectorClass {
  return typeof found === "function" && "getSupportedFormats" in found;
}

export type CodeReader = Detector;
