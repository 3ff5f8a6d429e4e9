import { TextInput } from "@mantine/core";
import { useState } from "react";
import { KEY_LENGTH_MAX } from "../domain/search.ts";

export interface ExactFieldProps {
  readonly label: string;
  readonly placeholder: string;
  /** What the address says. */
  readonly value: string;
  readonly onSet: (text: string) => void;
}

/**
 * A filter that is compared as a whole, so that half of it finds nothing: it counts once it is
 * entered or left, not while somebody types.
 */
export function ExactField({ label, placeholder, value, onSet }: ExactFieldProps) {
  const [text, setText] = useState(value);
  const [shown, setShown] = useState(value);
  // The address changed by another way than this field: a link, or the way back.
  if (shown !== value) {
    setShown(value);
    setText(value);
  }
  const set = (typed: string): void => {
    if (typed.trim() !== value) onSet(typed.trim());
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        set(text);
      }}
    >
      <TextInput
        data-filter
        type="search"
        aria-label={label}
        placeholder={placeholder}
        maxLength={KEY_LENGTH_MAX}
        value={text}
        onChange={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          if (typed === "") set(typed);
        }}
        onBlur={() => set(text)}
      />
    </form>
  );
}
