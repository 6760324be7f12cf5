// Shopify's own check of theme app extensions, with its rules for them. What it knows of Liquid it looks for in the
// network first, and takes from its own package where that fails.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { themeCheckRun } from '@shopify/theme-check-node';

const root = fileURLToPath(new URL('../extensions/storefront', import.meta.url));
const { offenses } = await themeCheckRun(root, 'theme-check:theme-app-extension', () => {});
for (const { check, message, uri, start } of offenses) console.error(`${uri}:${start.line + 1}: ${check}: ${message}`);
process.exit(offenses.length > 0 ? 1 : 0);
