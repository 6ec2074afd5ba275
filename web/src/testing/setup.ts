import "@testing-library/jest-dom/vitest";
import { disableMotion } from "@cloudscape-design/global-styles";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// A machine that is busy with other tests takes its time; what does not come at all is waited for no longer than this.
configure({ asyncUtilTimeout: 20_000 });

// Nothing moves in jsdom, so what fades out would stay.
disableMotion(true);

afterEach(cleanup);
