/** Who people are, and the tokens that prove it. */
import { identityApi } from "@tideway/api-identity";
import { defineService } from "@tideway/schema";

export default defineService({
  name: "identity",
  api: identityApi,
  database: true,
  scaling: { instancesMin: 1, instancesMax: 4, concurrencyTarget: 30 },
  configuration: ["TIDEWAY_IDENTITY_SCRYPT_N"],
});
