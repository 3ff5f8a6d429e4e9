/**
 * Reads as much of PostgreSQL's protocol (manual, chapter "Frontend/Backend Protocol") as it takes
 * to know when a transaction is committed: a cut may fall before COMMIT reaches the server, or after
 * the server has committed and before the client learns of it.
 *
 * A statement outside a transaction block commits by itself; that moment is seen too. What the
 * server says from CommandComplete to ReadyForQuery is held back, so that nothing of the good news
 * has left when the cut is made.
 */
export interface CommitWatch {
  /** The bytes to pass on, or "cut". `isChosen` is asked once for each commit. */
  fromClient(piece: Buffer, isChosen: () => boolean): Buffer | "cut";
  fromServer(piece: Buffer, isChosen: () => boolean): Buffer | "cut";
}

interface Message {
  /** The type's letter; empty for the untyped first messages of a client. */
  readonly type: string;
  readonly bytes: Buffer;
}

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
/** CommandComplete of what changes something, or of a function that may have. */
const CHANGING = /^(INSERT|UPDATE|DELETE|MERGE|SELECT|COMMIT)\b/;

export function watchCommits(): CommitWatch {
  const client = createReader("untyped");
  const server = createReader("typed");
  let held: Buffer[] = [];
  let tag = "";
  /** As the last ReadyForQuery said: I is idle, T in a transaction block, E in a failed one. */
  let status = "I";
  /** After a request for encryption the server answers with one bare byte. */
  let bareBytes = 0;
  return {
    fromClient: (piece, isChosen) => {
      for (const { type, bytes } of client.take(piece)) {
        if (type === "") {
          const code = bytes.length >= 8 ? bytes.readInt32BE(4) : 0;
          if (code === SSL_REQUEST || code === GSS_REQUEST) bareBytes++;
          else client.becomeTyped();
        }
        if (isCommit(type, bytes) && isChosen()) return "cut";
      }
      return piece;
    },
    fromServer: (piece, isChosen) => {
      const passed: Buffer[] = [];
      const bare = Math.min(bareBytes, piece.length);
      bareBytes -= bare;
      passed.push(piece.subarray(0, bare));
      for (const { type, bytes } of server.take(piece.subarray(bare))) {
        held.push(bytes);
        if (type === "C") tag = bytes.toString("latin1", 5, bytes.length - 1);
        else if (type === "Z") {
          const now = bytes.toString("latin1", 5, 6);
          const isDone =
            now === "I" && (tag === "COMMIT" || (status === "I" && CHANGING.test(tag)));
          status = now;
          tag = "";
          if (isDone && isChosen()) return "cut";
          passed.push(...held);
          held = [];
        } else if (tag === "") {
          passed.push(...held);
          held = [];
        }
      }
      return Buffer.concat(passed);
    },
  };
}

/** A simple query, or the parsing of one, that is the word commit or end. */
function isCommit(type: string, bytes: Buffer): boolean {
  if (type !== "Q" && type !== "P") return false;
  const text = bytes.toString("latin1", 5, Math.min(bytes.length, 100));
  const query = type === "Q" ? text : text.slice(text.indexOf("\0") + 1);
  return /^\s*(commit|end)\s*;?\s*(\0|$)/i.test(query);
}

/** Cuts a stream into messages; what is incomplete waits for the next piece. */
function createReader(from: "typed" | "untyped") {
  let isTyped = from === "typed";
  let rest: Buffer = Buffer.alloc(0);
  return {
    becomeTyped: (): void => {
      isTyped = true;
    },
    *take(piece: Buffer): Generator<Message> {
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      for (;;) {
        const head = isTyped ? 1 : 0;
        if (rest.length < head + 4) return;
        const length = head + rest.readInt32BE(head);
        if (rest.length < length) return;
        const bytes = rest.subarray(0, length);
        const type = isTyped ? bytes.toString("latin1", 0, 1) : "";
        rest = rest.subarray(length);
        yield { type, bytes };
      }
    },
  };
}
