import { identityErrors } from "@tideway/api-identity";

export const PASSWORD_LENGTH_MIN = 10;

/**
 * Length is the only rule; rules of composition make passwords worse (NIST SP 800-63B, 3.1.1.2).
 * Throws PASSWORD_WEAK.
 */
export function checkNewPassword(password: string): void {
  if (Array.from(password.normalize("NFKC")).length < PASSWORD_LENGTH_MIN) {
    throw identityErrors.error("PASSWORD_WEAK", { given: { lengthMin: PASSWORD_LENGTH_MIN } });
  }
}
