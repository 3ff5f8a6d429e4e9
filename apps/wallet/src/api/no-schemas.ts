/**
 * Stands in for the schema library when the wallet is built. The apis declare routes and schemas in
 * one place; a browser needs the routes and, from the schemas, only the types. Answers are not
 * validated here: the gateway serves the app and the apis from one installation.
 */
const nothing = (): object => ({});

/** `Type.Object(...)` and all others make an empty schema. */
export const Type: unknown = new Proxy({}, { get: () => nothing });
