import type { Queryable } from "@tideway/store";

export interface AssetRow {
  readonly asset: string;
  readonly scale: number;
  readonly name: string;
}

/** All assets by code; the migrations alone add some. */
export async function readAssets(db: Queryable): Promise<AssetRow[]> {
  const found = await db.query<AssetRow>("select asset, scale, name from assets order by asset");
  return found.rows;
}
