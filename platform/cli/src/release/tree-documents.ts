/** What a service of the working tree tells of its api and relies on: the documents of its revision. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EXPECTATIONS_FILE, documentFiles } from "@tideway/compatibility";
import type { ServiceDeclaration } from "@tideway/schema";

/** Name -> text; `expectations.json` only where the service has one. */
export async function treeDocuments(
  checkout: string,
  declaration: Pick<ServiceDeclaration, "name" | "api">,
): Promise<Readonly<Record<string, string>>> {
  const expectations = await readFile(expectationsPath(checkout, declaration.name), "utf8").catch(
    (error: unknown) => {
      if (Reflect.get(Object(error), "code") === "ENOENT") return null;
      throw error;
    },
  );
  const documents = documentFiles(declaration.api);
  return expectations === null ? documents : { ...documents, [EXPECTATIONS_FILE]: expectations };
}

export function expectationsPath(checkout: string, service: string): string {
  return join(checkout, "services", service, EXPECTATIONS_FILE);
}
