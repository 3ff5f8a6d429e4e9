/** Who can sign in to the console of a demo. */
export const DEMO_OPERATOR = { name: "demo", password: "tideway-demo" } as const;
