import type { Dependencies } from "./dependencies.ts";

/** Opens both people's accounts of the asset where they are missing, before anything is begun. */
export async function openAccounts(
  { ledger }: Pick<Dependencies, "ledger">,
  {
    payer,
    payee,
    asset,
  }: { readonly payer: string; readonly payee: string; readonly asset: string },
): Promise<void> {
  await Promise.all([ledger.customerAccount(payer, asset), ledger.customerAccount(payee, asset)]);
}
