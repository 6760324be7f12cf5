// What a developer would write: Express, HMAC of the raw body, dedupe by webhook id, insert, 200.

import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";
import { openInbox } from "./inbox.js";
import { serve } from "./serve.js";

const { DATABASE, SECRET, SHOP } = process.env;

function isSigned(body, signature) {
  const expected = createHmac("sha256", SECRET).update(body).digest();
  const given = Buffer.from(signature ?? "", "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

serve(() => {
  const inbox = openInbox(DATABASE);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.post("/webhooks/shopify", express.raw({ type: "*/*", limit: "5mb" }), (request, response) => {
    const shop = request.get("X-Shopify-Shop-Domain");
    const id = request.get("X-Shopify-Webhook-Id");
    const topic = request.get("X-Shopify-Topic");
    if (!shop || !id || !topic) return response.status(400).json({ status: "incomplete" });
    if (shop !== SHOP || !isSigned(request.body, request.get("X-Shopify-Hmac-Sha256"))) {
      return response.status(401).json({ status: "unsigned" });
    }
    try {
      JSON.parse(request.body);
    } catch {
      return response.status(400).json({ status: "not JSON" });
    }
    const isNew = inbox.keep({ id, shop, topic, body: request.body });
    response.json({ status: isNew ? "accepted" : "duplicate" });
  });
  return app;
});
