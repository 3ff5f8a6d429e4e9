/** As much of Gherkin as the cases use: scenarios, outlines with examples, doc strings, tables. */
export interface Step {
  readonly keyword: string;
  readonly text: string;
  readonly docString: string | null;
  readonly table: readonly (readonly string[])[];
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

interface Draft {
  name: string;
  isOutline: boolean;
  steps: Step[];
  examples: string[][];
}

const STEP = /^(Given|When|Then|And|But)\s+(.*)$/;
const FENCE = '"""';

/** Every scenario of a feature, outlines once for each row of their examples. */
export function parseFeature(text: string): readonly Scenario[] {
  const lines = text.split("\n");
  const background: Draft = { name: "", isOutline: false, steps: [], examples: [] };
  const drafts: Draft[] = [];
  let draft = background;
  let isInExamples = false;
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? "").trim();
    const scenario = /^Scenario( Outline)?:\s*(.*)$/.exec(line);
    const step = STEP.exec(line);
    if (scenario !== null) {
      const name = scenario[2] ?? "";
      draft = { name, isOutline: scenario[1] !== undefined, steps: [], examples: [] };
      drafts.push(draft);
      isInExamples = false;
    } else if (line === "Examples:") isInExamples = true;
    else if (isInExamples && line.startsWith("|")) draft.examples.push(cellsOf(line));
    else if (step !== null) {
      const read = readStep(lines, at, step);
      draft.steps.push(read.step);
      at = read.lastLine;
    }
  }
  return drafts.flatMap((one) => filled({ ...one, steps: [...background.steps, ...one.steps] }));
}

function readStep(
  lines: readonly string[],
  at: number,
  match: RegExpExecArray,
): { readonly step: Step; readonly lastLine: number } {
  const head = { keyword: match[1] ?? "", text: match[2] ?? "" };
  const next = lines[at + 1] ?? "";
  if (next.trim() === FENCE) {
    const end = lines.findIndex((line, place) => place > at + 1 && line.trim() === FENCE);
    if (end < 0) throw new Error(`The doc string of "${head.text}" has no end.`);
    const indent = next.indexOf(FENCE);
    const docString = lines.slice(at + 2, end).map((line) => line.slice(indent));
    return { step: { ...head, docString: docString.join("\n"), table: [] }, lastLine: end };
  }
  const table: string[][] = [];
  let last = at;
  while ((lines[last + 1] ?? "").trim().startsWith("|")) {
    last++;
    table.push(cellsOf(lines[last] ?? ""));
  }
  return { step: { ...head, docString: null, table }, lastLine: last };
}

function filled(draft: Draft): readonly Scenario[] {
  if (!draft.isOutline) return [draft];
  const [names = [], ...rows] = draft.examples;
  if (rows.length === 0) throw new Error(`"${draft.name}" has no examples.`);
  return rows.map((row) => {
    const fill = (text: string): string =>
      names.reduce((now, name, place) => now.replaceAll(`<${name}>`, row[place] ?? ""), text);
    return {
      name: fill(draft.name),
      steps: draft.steps.map((step) => ({
        keyword: step.keyword,
        text: fill(step.text),
        docString: step.docString === null ? null : fill(step.docString),
        table: step.table.map((cells) => cells.map(fill)),
      })),
    };
  });
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}
