// A reporter of Playwright's that tells what `go test -json` would: vitest_events.mjs says why.
export default class {
  onBegin() {
    this.began = performance.now();
  }

  onError(error) {
    tell({ Package: "web/e2e", Action: "output", Output: `${error.stack ?? error.message}\n` });
  }

  onTestEnd(test, result) {
    if (result.status !== test.expectedStatus && result.retry < test.retries) {
      return; // it is tried again
    }
    const name = { Package: "web/e2e", Test: test.titlePath().slice(2).join(" > ") };
    if (test.outcome() === "skipped") {
      const reason = test.annotations.find((a) => a.type === "skip")?.description ?? "no reason given";
      tell({ ...name, Action: "output", Output: `    ${test.location.file.split("/").pop()}:${String(test.location.line)}: ${reason}\n` });
      tell({ ...name, Action: "skip" });
      return;
    }
    if (test.outcome() === "unexpected") {
      for (const error of result.errors) {
        tell({ ...name, Action: "output", Output: `${test.title}: ${error.stack ?? error.message}\n` });
      }
    }
    tell({ ...name, Action: test.outcome() === "unexpected" ? "fail" : "pass" });
  }

  onEnd(result) {
    tell({ Package: "web/e2e", Action: result.status === "passed" ? "pass" : "fail", Elapsed: (performance.now() - this.began) / 1000 });
  }

  printsToStdio() {
    return true;
  }
}

function tell(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
