import { TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";

export interface SearchFieldProps {
  readonly label: string;
  readonly placeholder: string;
  /** What the address says. */
  readonly value: string;
  /** Puts what was typed into the address, a moment after the last key. */
  readonly onSearch: (text: string) => void;
}

const TYPING_PAUSE_MS = 150;

/**
 * A filter that lives in the address. The field keeps its own text while somebody types, as the
 * address follows late and would take letters back; otherwise it shows what the address says.
 */
export function SearchField({ label, placeholder, value, onSearch }: SearchFieldProps) {
  const [text, setText] = useState(value);
  const isTyping = useRef(false);
  const send = useDebouncedCallback((typed: string) => {
    isTyping.current = false;
    onSearch(typed);
  }, TYPING_PAUSE_MS);
  useEffect(() => {
    if (!isTyping.current) setText(value);
  }, [value]);
  return (
    <TextInput
      data-filter
      type="search"
      aria-label={label}
      placeholder={placeholder}
      className="filter"
      maxLength={100}
      value={text}
      onChange={(event) => {
        isTyping.current = true;
        setText(event.currentTarget.value);
        send(event.currentTarget.value);
      }}
    />
  );
}
