/**
 * Reply header of an instance to the gateway: the route whose reply did not match its own schema. The
 * gateway takes it off and counts the answer as bad for the revision; the reply itself is sent on.
 */
export const VIOLATION_HEADER = "tideway-violation";
