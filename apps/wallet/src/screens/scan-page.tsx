import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useGoTo } from "../navigation.tsx";
import { Page } from "@tideway/ui";
import { useState } from "react";
import type { FormEvent } from "react";
import { parsePayLink } from "../link/parse-pay-link.ts";
import { createCodeReader } from "../link/read-codes.ts";
import { messages } from "../messages.ts";
import { BackLink } from "../parts/back-link.tsx";
import { CameraReader } from "../parts/camera-reader.tsx";
import "../parts/input-styles.ts";

const words = messages.scan;

/** A code by camera or picture where the browser can read one, and always by pasting the link. */
export function ScanPage() {
  const goTo = useGoTo();
  const [problem, setProblem] = useState<string | null>(null);
  const reader = useQuery({
    queryKey: ["code-reader"],
    queryFn: createCodeReader,
    staleTime: Infinity,
  });
  const open = (text: string): boolean => {
    const parsed = parsePayLink(text, location.origin);
    if (parsed.kind === "refused") {
      setProblem(words.refused[parsed.reason]);
      return false;
    }
    void goTo({ to: "/pay/$invoiceId", params: { invoiceId: parsed.invoice } });
    return true;
  };
  return (
    <div className="w-narrow">
      <Page title={words.title} back={<BackLink />}>
        {reader.data ? (
          <CameraReader reader={reader.data} onText={open} onProblem={setProblem} />
        ) : null}
        {reader.data === null || reader.isError ? (
          <p className="tw-muted">{words.noDetector}</p>
        ) : null}
        <PasteForm onText={open} problem={problem} />
      </Page>
    </div>
  );
}

interface PasteFormProps {
  readonly onText: (text: string) => boolean;
  readonly problem: string | null;
}

function PasteForm({ onText, problem }: PasteFormProps) {
  const [text, setText] = useState("");
  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    onText(text);
  };
  return (
    <form className="w-form" onSubmit={onSubmit} noValidate>
      <TextInput
        size="md"
        label={words.paste}
        description={words.pasteHint}
        autoComplete="off"
        inputMode="url"
        value={text}
        error={problem}
        errorProps={{ role: "alert" }}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit">{words.open}</Button>
    </form>
  );
}
