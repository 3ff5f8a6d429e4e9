/**
 * Where we read a pair differently from oasdiff's tests, one by one. The reasons at length are in
 * docs/adr/0008-compatibility-where-we-differ-from-oasdiff.md. An opinion that no longer holds
 * fails.
 */
import type { RuleId } from "@tideway/compatibility";

export interface Opinion {
  /** The pairs, by the name of the test that they come from. */
  readonly cases: readonly string[];
  /** `other-check`: oasdiff has this rule too, but that test ran another one. */
  readonly kind: "differs" | "other-check";
  /** The only breaking rules that we name there. */
  readonly rules: readonly RuleId[];
  readonly reason: string;
}

export const OPINIONS: readonly Opinion[] = [
  {
    cases: ["TestAPIGlobalSecurityyAdded", "TestAPISecurityAdded"],
    kind: "differs",
    rules: ["security-added"],
    reason: "Whoever called without a credential is refused from now on.",
  },
  {
    cases: ["TestAPIGlobalSecurityScopeAdded"],
    kind: "differs",
    rules: ["security-tightened"],
    reason: "A token that was good lacks the new scope and is refused from now on.",
  },
  {
    cases: ["TestBreaking_GeneralizedPattern", "TestResponsePropertyPatternRemoved"],
    kind: "differs",
    rules: ["pattern-removed"],
    reason: "Values come that readers parsed by the pattern never met; minLength counts there too.",
  },
  {
    cases: ["TestResponsePropertyPatternChanged"],
    kind: "differs",
    rules: ["pattern-changed", "write-only-set"],
    reason: "The same, and a field that turns write-only is gone from the reply.",
  },
  {
    cases: [
      "TestResponseOptionalPropertyBecameWriteOnly",
      "TestResponseRequiredPropertyBecameWriteOnly",
    ],
    kind: "differs",
    rules: ["write-only-set"],
    reason: "A write-only field is in no reply, so its readers lose it as if it were removed.",
  },
  {
    cases: [
      "TestRequestPropertyBecameNullable31",
      "TestTypeCheckerSuppressedForNullOnly31",
      "TestResponseTypeCheckerSuppressedForNullOnly31",
    ],
    kind: "other-check",
    rules: ["null-added"],
    reason: "The pair also makes a field of the reply nullable: response-property-became-nullable.",
  },
  {
    cases: ["TestRequestBodyDefaultValueChanged"],
    kind: "other-check",
    rules: ["media-type-removed"],
    reason: "The pair also takes application/json from the body: request-body-media-type-removed.",
  },
];

/** Pairs whose fixture is the same file twice: the test removes or adds a reply by its own code. */
export const CHANGED_BY_THE_TEST: Readonly<
  Record<string, { readonly remove: string; readonly from: "before" | "after" }>
> = {
  TestResponseSuccessStatusRemoved: { remove: "200", from: "after" },
  TestResponseNonSuccessStatusAdded: { remove: "409", from: "before" },
};

/**
 * For each breaking pair: each place where it breaks and no other, as `operation · part · field`.
 */
export const PLACES: Readonly<Record<string, readonly string[]>> = {
  TestNewRequestNonPathParameter_DetectsNewRequiredPathsAndNewOperations: [
    "GET /api/test1 · query version",
    "POST /api/test1 · query version",
    "GET /api/test2 · query id",
    "GET /api/test3 · header If-None-Match",
  ],
  TestRequestBodyMediaTypeRemoved: ["POST /api/v1.0/groups · body"],
  TestRequestParameterBecameEnum: ["POST /api/v1.0/groups · path groupId"],
  TestRequestParameterDefaultValueChangedAndRenamedParameter: [
    "POST /api/v1.0/groups/{group_id} · path group_id",
  ],
  TestRequestParameterMaxItemsDecreased: ["POST /api/v1.0/groups · query category · []"],
  TestRequestParameterArrayMaxItemsDecreased: ["GET /test · query ids"],
  TestRequestParameterMinItemsIncreased: ["POST /api/v1.0/groups · query category"],
  TestRequestParameterMinLengthIncreasedCheck: ["POST /test · query name"],
  TestRequestParameterMinIncreased: ["POST /api/v1.0/groups · path groupId"],
  TestRequestPropertyAllOfAdded: ["POST /pets · body", "POST /pets · body · breed"],
  TestRequestPropertyBecameNotNullable: ["POST /products · body · name"],
  TestRequestPropertyOneOfRemoved: ["POST /pets · body · breed", "POST /pets · body"],
  TestRequestBodyAndPropertyTypesChangedCheckArrayToObject: [
    "POST /pets · body",
    "POST /dogs · body · colors",
  ],
  TestRequiredRequestPropertiesAdded: ["POST /products · body · description"],
  TestRequiredRequestPropertyAddedWithDefault: ["POST /products · body · description"],
  TestDeleteNewMediaType: ["POST /api/v1.0/groups · reply 200"],
  TestResponsePropertyAnyOfModified: [
    "GET /pets · reply 200 · breed.name",
    "GET /pets · reply 200",
  ],
  TestResponseEmbeddedAdditionalPropertyTypeChangedCheck: [
    "GET /value · reply 200 · composite-property.*.property1",
  ],
  TestRequestParameterDefaultValueRemoved: ["POST /api/v1.0/groups · query category"],
  TestRequestQueryParamTypeChanged: ["POST /api/v1.0/groups · query token"],
  TestRequestPathParamFormatChanged: ["POST /api/v1.0/groups · path groupId"],
  TestRequestQueryHeaderFormatChanged: ["POST /api/v1.0/groups · header X-Request-ID"],
  TestRequestBodyBecameNotNullable: ["POST /products · body"],
  TestRequestBodyConstAdded: ["POST /products · body", "POST /products · body · status"],
  TestRequestPropertyMaxLengthDecreasedCheck: ["POST /pets · body · description"],
  TestRequestBodyMinLengthIncreased: ["POST /products · body"],
  TestRequestBodyTypeChangedCheck: ["POST /pets · body"],
  TestRequestPropertyFormatChangedCheck: ["POST /pets · body · age"],
  TestResponsePropertyConstRemoved: [
    "POST /api/v1.0/groups · reply 200 · status",
    "POST /api/v1.0/groups · reply 404",
  ],
  TestResponsePropertyTypeChangedCheck: ["POST /api/v1.0/groups · reply 200 · data.name"],
  TestResponseSchemaTypeMultiCheck: ["POST /api/v1.0/groups · reply 200 · data.name"],
  TestResponseSuccessStatusRemoved: ["POST /api/v1.0/groups · reply 200"],
};

/** Pairs that oasdiff only warns of, and what we say. */
export const WARNINGS: Readonly<Record<string, RuleId>> = {
  // Contravariance: a limit where there was none refuses what was good.
  TestRequestPropertyMaxLengthSetCheck: "max-length-added",
  TestRequestPropertyMaxSetCheck: "maximum-added",
  // Covariance: a reader that handles each value it knows meets one that it does not.
  TestResponsePropertyEnumValueAdded: "enum-value-added",
};
