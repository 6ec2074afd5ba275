// A reporter of Vitest's that tells what `go test -json` would, so that tools/testreport counts the console's tests with the others.
export default class {
  onTestRunStart() {
    this.began = performance.now();
  }

  onTestCaseResult(test) {
    const name = { Package: "web", Test: `${test.module.relativeModuleId} > ${test.fullName}` };
    const result = test.result();
    if (result.state === "failed") {
      for (const error of result.errors) {
        tell({ ...name, Action: "output", Output: `${test.fullName}: ${error.stack ?? error.message}\n${error.diff ?? ""}\n` });
      }
    }
    tell({ ...name, Action: { passed: "pass", failed: "fail" }[result.state] ?? "skip" });
  }

  onTestRunEnd(modules, unhandled) {
    let ok = unhandled.length === 0;
    for (const error of unhandled) {
      tell({ Package: "web", Action: "output", Output: `${error.stack ?? error.message}\n` });
    }
    for (const module of modules) {
      for (const error of module.errors()) { // of the file, before or beside its tests
        tell({ Package: "web", Action: "output", Output: `${module.relativeModuleId}: ${error.stack ?? error.message}\n` });
      }
      ok &&= module.ok();
    }
    tell({ Package: "web", Action: ok ? "pass" : "fail", Elapsed: (performance.now() - this.began) / 1000 });
  }
}

function tell(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
