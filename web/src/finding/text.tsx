import Link from "@cloudscape-design/components/link";
import { useState } from "react";
import { harmless, webAddress } from "../findings/harmless";
import "./finding.css";

/** Longer text is folded: nobody reads it at a glance, and the page stays quick. */
const most = 1500;

/** A text of a finding, as text. An address of the web alone can be followed. */
export function Text({ value }: { value: string }) {
  const [whole, setWhole] = useState(false);
  const href = value.length <= 2048 ? webAddress(value) : undefined;
  if (href !== undefined) {
    return <Address href={href} text={value} />;
  }
  if (value.length <= most || whole) {
    return <span className="finding-text">{harmless(value)}</span>;
  }
  return (
    <span className="finding-text">
      {harmless(value.slice(0, most))}…{" "}
      <button type="button" className="finding-fold" onClick={() => setWhole(true)}>
        Show all {value.length.toLocaleString("en")} characters
      </button>
    </span>
  );
}

/** A way out of the console. The other side is not told where it came from, and gets no hold of this page. */
export function Address({ href, text }: { href: string; text: string }) {
  return (
    <Link external externalIconAriaLabel="Opens in a new tab" href={href} target="_blank" rel="noopener noreferrer">
      <span className="finding-text">{harmless(text)}</span>
    </Link>
  );
}
