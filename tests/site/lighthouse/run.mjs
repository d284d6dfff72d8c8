// Scores pages: node run.mjs CHROME ADDRESS…  One line of JSON a page: its scores, and the audits that it failed.
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const [chromePath, ...addresses] = process.argv.slice(2);
const chromeFlags = [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const chrome = await launch({ chromePath, chromeFlags, logLevel: "error" });
try {
  for (const address of addresses) {
    const { lhr } = await lighthouse(address, { port: chrome.port, output: "json", logLevel: "error" });
    const categories = Object.entries(lhr.categories);
    const scores = Object.fromEntries(categories.map(([name, { score }]) => [name, score]));
    const failed = categories.flatMap(([name, { auditRefs }]) => auditRefs
      .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 1)
      .map(({ id }) => `${name}: ${id} ${lhr.audits[id].displayValue ?? ""}`.trim()));
    console.log(JSON.stringify({ address, scores, failed, error: lhr.runtimeError?.message ?? null }));
  }
} finally {
  await chrome.kill();
}
