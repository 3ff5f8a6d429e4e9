import { IdOf, Timestamp, defineApi, strict } from "@tideway/schema";
import { Type } from "typebox";
import { identityErrors } from "./errors.ts";

export const PersonId = IdOf("per");
const Email = Type.String({ minLength: 3, maxLength: 254 });
const Password = Type.String({ minLength: 1, maxLength: 200 });

export const Person = Type.Object({ person: PersonId, email: Type.String(), name: Type.String() });
export const PersonName = Type.Object({ person: PersonId, name: Type.String() });
export const Session = Type.Object({
  /** An EdDSA token (RFC 8037) for authorization: Bearer; valid ten minutes. */
  accessToken: Type.String(),
  expiresAt: Timestamp,
  /** Renews the session; also set as an HttpOnly cookie for browsers. */
  refreshToken: Type.String(),
  person: Person,
});

export const identityApi = defineApi({
  name: "identity",
  version: "1.0.0",
  errors: identityErrors,
  routes: {
    register: {
      method: "POST",
      path: "/people",
      auth: "public",
      exposure: "public",
      summary: "Sign up.",
      body: strict({
        email: Email,
        password: Password,
        name: Type.String({ minLength: 1, maxLength: 80 }),
      }),
      reply: Session,
      replyStatus: 201,
    },
    signIn: {
      method: "POST",
      path: "/sessions",
      auth: "public",
      exposure: "public",
      summary: "Sign in.",
      body: strict({ email: Email, password: Password }),
      reply: Session,
      replyStatus: 201,
    },
    refresh: {
      method: "POST",
      path: "/sessions/refresh",
      auth: "public",
      exposure: "public",
      summary: "Renew the access token, by cookie or by refresh token; the refresh token rotates.",
      body: strict({ refreshToken: Type.Optional(Type.String({ maxLength: 200 })) }),
      reply: Session,
    },
    signOut: {
      method: "POST",
      path: "/sessions/end",
      auth: "public",
      exposure: "public",
      summary: "End the session, by cookie or by refresh token.",
      body: strict({ refreshToken: Type.Optional(Type.String({ maxLength: 200 })) }),
      reply: Type.Object({}),
    },
    me: {
      method: "GET",
      path: "/me",
      auth: "person",
      exposure: "public",
      summary: "Who is signed in.",
      reply: Person,
    },
    findPerson: {
      method: "GET",
      path: "/people/find",
      auth: "person",
      exposure: "public",
      summary: "Find a person to pay by their whole e-mail address.",
      query: strict({ email: Email }),
      reply: PersonName,
    },
    names: {
      method: "POST",
      repeatable: true,
      priority: "read",
      path: "/people/names",
      auth: "service",
      exposure: "internal",
      summary: "The names of people, for showing who paid whom. Unknown ids are left out.",
      body: strict({ people: Type.Array(PersonId, { maxItems: 200 }) }),
      reply: Type.Object({ people: Type.Array(PersonName) }),
    },
    keys: {
      method: "GET",
      path: "/keys",
      auth: "public",
      exposure: "public",
      summary: "The public keys of access tokens (RFC 7517).",
      reply: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
    },
  },
});

/** The issuer claim of access tokens. */
export const TOKEN_ISSUER = "tideway-identity";
