// The same with Shopify's own library: it reads the headers and checks the signature.

import "@shopify/shopify-api/adapters/node";
import { ApiVersion, LogSeverity, shopifyApi } from "@shopify/shopify-api";
import express from "express";
import { openInbox } from "../node-express/inbox.js";
import { serve } from "../node-express/serve.js";

const { DATABASE, SECRET, SHOP } = process.env;

serve(() => {
  const shopify = shopifyApi({
    apiKey: "bench",
    apiSecretKey: SECRET,
    apiVersion: ApiVersion.April26,
    hostName: "localhost",
    isEmbeddedApp: true,
    logger: { level: LogSeverity.Error },
  });
  const inbox = openInbox(DATABASE);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.post("/webhooks/shopify", express.text({ type: "*/*", limit: "5mb" }), async (request, response) => {
    const checked = await shopify.webhooks.validate({
      rawBody: request.body,
      rawRequest: request,
      rawResponse: response,
    });
    if (!checked.valid) return response.status(401).json({ status: checked.reason });
    if (checked.domain !== SHOP) return response.status(401).json({ status: "unknown shop" });
    try {
      JSON.parse(request.body);
    } catch {
      return response.status(400).json({ status: "not JSON" });
    }
    const { webhookId: id, domain: shop, topic } = checked;
    const isNew = inbox.keep({ id, shop, topic, body: request.body });
    response.json({ status: isNew ? "accepted" : "duplicate" });
  });
  return app;
});
