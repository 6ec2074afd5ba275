import { accessible, expect, picture, settled, test } from "./console";
import { finding } from "./hub";

test.use({ demo: 0 });

// What a finding contains is its sender's: markup, scripts, addresses that are none, text that turns round or never ends.
const markup = `<img src=x onerror="window.hubcapWatch.harm.push('markup')"><script>window.hubcapWatch.harm.push('script')</script>`;
const address = "javascript:window.hubcapWatch.harm.push('address')";
const turned = "\u202egnp.exe\u2066 \u200b\u0007 {{7*7}} ${7*7} [link](javascript:alert(1)) ![](https://tracker.example/x.png)";
const nasty = `${markup}${turned}`;
const id = `arn:aws:x/'"><b>${"é".repeat(40)}?a=1&b=2#c%2F../..`;

const hostile = finding({
  Id: id,
  Title: nasty.slice(0, 256),
  Description: `${nasty} ${"w".repeat(700)}`.slice(0, 1024),
  GeneratorId: nasty.slice(0, 512),
  Types: [`${turned.replaceAll("/", "")}/x`],
  SourceUrl: address,
  Remediation: { Recommendation: { Text: nasty.slice(0, 512), Url: address } },
  ProductFields: { [markup.slice(0, 128)]: nasty, ["k".repeat(128)]: address },
  UserDefinedFields: { "a b": nasty.slice(0, 1024) },
  FindingProviderFields: { Severity: { Label: "CRITICAL", Original: nasty.slice(0, 64) }, Types: ["Effects/Data Exposure"] },
  Resources: [
    { Type: nasty, Id: `https://evil.example/${nasty}`.slice(0, 512), Region: "us-east-1", Tags: { [markup.slice(0, 128)]: nasty.slice(0, 256) }, Details: { Other: { [turned.slice(0, 60)]: nasty } } },
  ],
  Network: { Direction: "IN", SourceDomain: nasty.slice(0, 128), SourceIpV4: "192.0.2.1" },
  Vulnerabilities: [{ Id: nasty, ReferenceUrls: [address, "https://advisories.example.com/x", "data:text/html,<script>1</script>"], VulnerablePackages: [{ Name: nasty, Version: nasty }] }],
  Malware: [{ Name: nasty.slice(0, 64) }],
  Threats: [{ Name: nasty.slice(0, 128), FilePaths: [{ FilePath: nasty.slice(0, 128), FileName: nasty.slice(0, 128) }] }],
  Note: { Text: nasty.slice(0, 512), UpdatedBy: nasty.slice(0, 100), UpdatedAt: "2026-01-01T08:00:00Z" },
  Compliance: { Status: "FAILED", RelatedRequirements: [nasty] },
  Process: { Name: nasty.slice(0, 64), Path: nasty.slice(0, 512) },
});

test("a hostile finding is text, wherever it is shown", async ({ page, hub }) => {
  expect(hub.import([hostile])).toBe("1 finding read: 1 imported");
  hub.import([finding({ Id: "refused", Title: nasty, Confidence: nasty })]); // too long, and no number: the hub keeps it to show why
  const product = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default";
  const places: [string, RegExp][] = [
    [`/console/findings`, /^Findings/],
    [`/console/finding?${new URLSearchParams({ product, id }).toString()}`, /img src=x/],
    [`/console/overview`, /^Overview/],
    [`/console/rejected`, /^Why was it rejected/],
    [`/console/products`, /^Products/],
  ];
  for (const [at, heading] of places) {
    await page.goto(at);
    await settled(page, heading);
    expect(await page.evaluate(() => window.hubcapWatch.harm), at).toEqual([]);
    expect(await page.locator("main img[src='x'], main script, main iframe, main object").count(), at).toBe(0);
    for (const link of await page.locator("main a[href]").all()) {
      const href = (await link.getAttribute("href")) ?? "";
      const to = new URL(href, page.url());
      expect(["http:", "https:"], `${at}: ${href}`).toContain(to.protocol);
      if (to.origin !== new URL(page.url()).origin) {
        const rel = (await link.getAttribute("rel")) ?? "";
        expect(rel.split(" "), href).toEqual(expect.arrayContaining(["noopener", "noreferrer"]));
      }
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), `${at} is as wide as the window`).toBeLessThanOrEqual(0);
    if (at.includes("finding")) {
      await accessible(page);
    }
    await picture(page, `hostile-${at.split("/")[2]?.split("?")[0] ?? ""}`);
  }
});
