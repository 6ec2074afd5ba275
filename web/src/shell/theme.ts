import { applyMode, Mode } from "@cloudscape-design/global-styles";
import { useLayoutEffect, useState } from "react";

const place = "hubcap.dark";

/** Whether colours are dark: as somebody chose, else as the system has them. */
export function useTheme(): [boolean, (dark: boolean) => void] {
  const [dark, setDark] = useState(() => {
    try {
      const chosen = window.localStorage.getItem(place);
      return chosen === null ? window.matchMedia("(prefers-color-scheme: dark)").matches : chosen === "true";
    } catch {
      return false;
    }
  });
  useLayoutEffect(() => applyMode(dark ? Mode.Dark : Mode.Light), [dark]);
  return [
    dark,
    (to) => {
      setDark(to);
      try {
        window.localStorage.setItem(place, `${to}`);
      } catch {
        // a full or forbidden store
      }
    },
  ];
}
