import { defineErrors } from "@tideway/kernel";
import { defineApi } from "@tideway/schema";
import { Type } from "typebox";

export const shopErrors = defineErrors({
  STOCK_MISSING: {
    status: 409,
    retryable: false,
    title: "{order} asks for more than there is.",
    action: "Order less.",
  },
});

/** What these tests publish and consume: events of each shedding class. */
export const shopApi = defineApi({
  name: "shop",
  version: "1.0.0",
  errors: shopErrors,
  routes: {},
  events: {
    placed: {
      type: "shop.order.placed.v1",
      summary: "An order was placed.",
      key: "the order",
      data: Type.Object({ order: Type.String({ maxLength: 1_000_000 }), count: Type.Integer() }),
    },
    viewed: {
      type: "shop.page.viewed.v1",
      summary: "Somebody looked.",
      key: "the page",
      data: Type.Object({ page: Type.String() }),
      shedding: "bulk",
    },
    paid: {
      type: "shop.order.paid.v1",
      summary: "An order was paid.",
      key: "the order",
      data: Type.Object({ order: Type.String() }),
      shedding: "critical",
    },
  },
});
