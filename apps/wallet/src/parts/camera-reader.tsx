import { Button } from "@mantine/core";
import { sleep } from "@tideway/kernel";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import type { ChangeEvent } from "react";
import type { CodeReader } from "../link/read-codes.ts";
import { messages } from "../messages.ts";
import { Live as Status } from "./live.tsx";

/** Between two looks at the picture: quick for a hand, cheap for a battery. */
const LOOK_EVERY_MS = 200;
const words = messages.scan;

export interface CameraReaderProps {
  readonly reader: CodeReader;
  /** True when the text was taken; the camera goes on otherwise. */
  readonly onText: (text: string) => boolean;
  readonly onProblem: (problem: string | null) => void;
}

/** Reads codes from the camera once asked to, or from a picture. */
export function CameraReader({ reader, onText, onProblem }: CameraReaderProps) {
  const [on, setOn] = useState(false);
  const picture = useRef<HTMLInputElement>(null);
  const readPicture = async (event: ChangeEvent<HTMLInputElement>): Promise<void> => {
    const [file] = event.currentTarget.files ?? [];
    if (file === undefined) return;
    event.currentTarget.value = "";
    const text = await textOf(reader, file);
    if (text === null) onProblem(words.noneInPicture);
    else onText(text);
  };
  return (
    <div className="w-stack">
      <p className="tw-muted">{words.intro}</p>
      {on ? (
        <Live reader={reader} onText={onText} onProblem={onProblem} onEnd={() => setOn(false)} />
      ) : null}
      <div className="w-actions">
        <Button variant={on ? "default" : "filled"} onClick={() => setOn(!on)}>
          {on ? words.stop : words.start}
        </Button>
        <Button variant="default" onClick={() => picture.current?.click()}>
          {words.upload}
        </Button>
        <input
          ref={picture}
          type="file"
          accept="image/*"
          hidden
          onChange={(event) => void readPicture(event)}
        />
      </div>
    </div>
  );
}

function Live({
  reader,
  onText,
  onProblem,
  onEnd,
}: CameraReaderProps & { readonly onEnd: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const take = useEffectEvent(onText);
  const end = useEffectEvent((ended: Ended) => {
    if (ended === "no-camera") onProblem(words.noCamera);
    onEnd();
  });
  useEffect(() => {
    const leaving = new AbortController();
    const element = video.current;
    if (element !== null) {
      void watch(element, reader, leaving.signal, (text) => take(text)).then((ended) => {
        if (!leaving.signal.aborted) end(ended);
      });
    }
    return () => leaving.abort();
  }, [reader]);
  return (
    <div className="w-camera">
      <video ref={video} muted playsInline aria-label={words.view} />
      <Status className="tw-muted w-small">{words.looking}</Status>
    </div>
  );
}

type Ended = "taken" | "left" | "no-camera";

/** Looks at the camera's picture until a text is taken; the camera is off when it returns. */
async function watch(
  video: HTMLVideoElement,
  reader: CodeReader,
  signal: AbortSignal,
  onText: (text: string) => boolean,
): Promise<Ended> {
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    // Denied, missing or in use: all of them mean that the link has to be pasted.
    return "no-camera";
  }
  try {
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      const [code] = await reader.detect(video);
      if (code !== undefined && onText(code.rawValue)) return "taken";
      await sleep(LOOK_EVERY_MS, signal);
    }
    return "left";
  } catch {
    // The picture stopped under us (the page was left, or the camera unplugged).
    return signal.aborted ? "left" : "no-camera";
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

async function textOf(reader: CodeReader, file: File): Promise<string | null> {
  try {
    const [code] = await reader.detect(await createImageBitmap(file));
    return code?.rawValue ?? null;
  } catch {
    // Not a picture that the browser can decode.
    return null;
  }
}
