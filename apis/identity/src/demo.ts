/** The people whom the demo profile starts with. Production refuses to start while one of them exists. */
export const DEMO_PEOPLE = [
  { email: "ada@tideway.example", name: "Ada" },
  { email: "ben@tideway.example", name: "Ben" },
] as const;

/** The password of every demo person; the demo profile listens on loopback only. */
export const DEMO_PASSWORD = "tideway-demo";
