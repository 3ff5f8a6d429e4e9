import { splitIds } from "../domain/ids-in-text.ts";

/** Words as they are, and the ids among them in the mono face. */
export function TextWithIds({ text }: { readonly text: string }) {
  return splitIds(text).map((part, index) =>
    // The parts of one text keep their places, so the place tells them apart.
    part.isId ? <code key={index}>{part.text}</code> : part.text,
  );
}
